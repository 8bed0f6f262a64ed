//! Side effects of a table projection in versions: each happens once, whichever of them is live.
//!
//! A version that is not live handles no more of a stream than the live one has, and all of that silently. When it has become
//! live, the swap has made sure that it has handled all that the other one has, and nobody goes on with that: what comes is
//! new to both. After a rollback, the version that is live again finds in the lane of the other one what that has done.

use std::collections::HashSet;
use std::time::Duration;

use super::app::Inner;
use super::unit::Site;
use crate::backend::{Backend, BackendError, Claim, Delivery, Live};
use crate::reactor::Reactor;
use crate::stream::{GroupId, Position, StreamId};
use crate::table::group_of_version;

/// How long a lane is given back for that waits for the live version.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// What may be handled of a claim now.
pub(super) enum Share {
    All,
    /// The first ones, as far as they are replays to all versions marked so.
    Deliveries(Vec<Delivery>),
    /// The live version comes first.
    Nothing,
}

/// What a reactor may handle of a claim now. Where there is one version, and no side effects, there is nobody to ask.
pub(super) async fn share_of(
    backend: &dyn Backend,
    reactor: &dyn Reactor,
    claim: &Claim,
) -> Result<Share, BackendError> {
    let Some(version) = Version::of(reactor) else {
        return Ok(Share::All);
    };
    let Some(live) = backend.live(version.table).await? else {
        return Ok(Share::All);
    };
    let (stream, deliveries) = (&claim.key.stream, &claim.deliveries);
    if version.waits_for(live) {
        let first = group_of_version(version.name, live.version);
        let upto = handled_by(backend, &first, stream).await?;
        let n = deliveries.partition_point(|delivery| delivery.message.position <= upto);
        if n == 0 {
            return Ok(Share::Nothing);
        }
        return Ok(Share::Deliveries(silent(&deliveries[..n], upto)));
    }
    let told_by_another = live.rolled_back.filter(|_| version.announces);
    let Some(other) = told_by_another.filter(|_| live.version == version.number) else {
        return Ok(Share::All);
    };
    let upto = handled_by(backend, &group_of_version(version.name, other), stream).await?;
    Ok(Share::Deliveries(silent(deliveries, upto)))
}

/// The groups whose version has to wait for the live one: units leave them to the workers.
pub(super) async fn waiting(
    app: &Inner,
    site: &mut Site<'_>,
) -> Result<HashSet<GroupId>, BackendError> {
    let mut groups = HashSet::new();
    for reactor in &app.reactors {
        let Some(version) = Version::of(&**reactor) else {
            continue;
        };
        let live = site.live(version.table).await?;
        if live.is_some_and(|live| version.waits_for(live)) {
            groups.insert(reactor.group().clone());
        }
    }
    Ok(groups)
}

/// A version that may have to wait for another one.
struct Version {
    table: &'static str,
    /// What the projection is called.
    name: &'static str,
    number: u32,
    announces: bool,
}

impl Version {
    fn of(reactor: &dyn Reactor) -> Option<Self> {
        let (table, name) = (reactor.table()?, reactor.projection()?);
        let version = Self {
            table: table.name,
            name,
            number: table.version,
            announces: reactor.announces(),
        };
        (version.announces || version.number > 1).then_some(version)
    }

    /// One that was rolled back does, whether it has side effects or not: what its lanes are beyond is what it has told when
    /// it was live.
    fn waits_for(&self, live: Live) -> bool {
        let was_live = live.rolled_back == Some(self.number);
        live.version != self.number && (self.announces || was_live)
    }
}

/// Up to where a group has handled a stream. One that is not known, as it was removed, has handled nothing.
async fn handled_by(
    backend: &dyn Backend,
    group: &GroupId,
    stream: &StreamId,
) -> Result<Position, BackendError> {
    match backend.lane(group, stream).await {
        Ok(lane) => Ok(lane.map_or(Position::START, |lane| lane.acked)),
        Err(BackendError::UnknownGroup(_)) => Ok(Position::START),
        Err(error) => Err(error),
    }
}

fn silent(deliveries: &[Delivery], upto: Position) -> Vec<Delivery> {
    let mut deliveries = deliveries.to_vec();
    for delivery in &mut deliveries {
        delivery.replaying |= delivery.message.position <= upto;
    }
    deliveries
}
