//! Claims: the exclusive right of one worker to one stream of a group, for a while.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    Ack, AckError, Acked, Appended, BackendError, Claim, ClaimKey, ClaimRequest, Claims, Delivery,
    Epoch, FenceError, GoOn, LaneState, Refusal, Verdict, bounded,
};
use sourced::message::MessageId;
use sourced::{GroupId, StreamId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use crate::append::Appends;
use crate::backend::{Attempt, Postgres, Retry, retrying};
use crate::connecting::in_step;
use crate::error::{SqlError, SqlErrorKind};
use crate::lent::Told;
use crate::pump::Prepared;
use crate::quarantine::{failure, skip_failed};
use crate::row::{
    MessageReader, at, clamped, get, group, known, number, ordinal, position, readable, stream,
};
use crate::sql::Sql;

#[async_trait]
impl Claims for Postgres {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        if request.lanes == 0 || request.groups.is_empty() {
            return Ok(Vec::new());
        }
        // Doing it again is safe: what a lost connection had claimed comes back when its lease ends.
        let mut retry = Retry::default();
        loop {
            let mut held = self.inner.claiming.take(&self.inner.connections).await?;
            match self.claim_once(&mut held.connection, request).await {
                Err(ClaimTrouble::Sql(error)) => {
                    self.inner.connections.is_spent(&error);
                    if !retry.allows(SqlErrorKind::of(&error)).await {
                        return Err(error.into());
                    }
                }
                Err(ClaimTrouble::Backend(error)) => return Err(error),
                Ok(claims) => {
                    held.put_back();
                    self.inner.history.claimed(&claims);
                    return Ok(claims);
                }
            }
        }
    }

    async fn ack(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        let appended = self.acknowledge_together(ack, None).await?.appended;
        self.inner.history.stored(&appended);
        Ok(appended)
    }

    async fn ack_and_go_on(&self, ack: Ack, next: GoOn) -> Result<Acked, AckError> {
        let acked = self.acknowledge_together(ack, Some(next)).await?;
        self.inner.history.stored(&acked.appended);
        Ok(acked)
    }

    async fn ack_and_fail(
        &self,
        mut ack: Ack,
        verdict: Verdict,
        error: &str,
    ) -> Result<Vec<Appended>, AckError> {
        let appends = std::mem::take(&mut ack.appends);
        let appends = Appends::checked(appends, &ack.schedules, &self.inner.limits)?;
        let next = Failed { verdict, error };
        let appended = self
            .acknowledge(&ack, &appends, Some(next), Retry::default())
            .await?;
        self.inner.history.stored(&appended);
        Ok(appended)
    }

    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        if self.release_stretch(claim).await? {
            return Ok(());
        }
        let result = retrying!(self, connection => self.inner.sql.release.query()
            .bind(claim.group.as_str())
            .bind(claim.stream.as_str())
            .bind(claim.worker.as_uuid())
            .bind(clamped(claim.epoch.get()))
            .execute(&mut *connection)
            .await)
        .map_err(BackendError::from)?;
        self.given_back(claim, result.rows_affected())
    }

    async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError> {
        if self.release_stretch(claim).await? {
            return Ok(());
        }
        let result = retrying!(self, connection => self.inner.sql.postpone.query()
            .bind(claim.group.as_str())
            .bind(claim.stream.as_str())
            .bind(claim.worker.as_uuid())
            .bind(clamped(claim.epoch.get()))
            .bind(micros(delay))
            .execute(&mut *connection)
            .await)
        .map_err(BackendError::from)?;
        self.given_back(claim, result.rows_affected())
    }

    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        if self.release_stretch(claim).await? {
            return Ok(());
        }
        let failed = Failed { verdict, error };
        let n_lanes = retrying!(self, connection =>
            fail(&mut connection, &self.inner.sql, claim, failed).await)
        .map_err(BackendError::from)?;
        self.given_back(claim, n_lanes)
    }

    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        let groups: Vec<&str> = claims.iter().map(|claim| claim.group.as_str()).collect();
        let streams: Vec<&str> = claims.iter().map(|claim| claim.stream.as_str()).collect();
        let workers: Vec<_> = claims.iter().map(|claim| claim.worker.as_uuid()).collect();
        let epochs: Vec<i64> = claims
            .iter()
            .map(|claim| clamped(claim.epoch.get()))
            .collect();
        let mut retry = Retry::default();
        let lost: Vec<i64> = loop {
            let mut held = self.inner.renewing.take(&self.inner.connections).await?;
            let tried: Attempt<_> = in_step!(self, &mut held.connection, step => self.inner.sql.renew.query_scalar()
                .bind(&groups[..])
                .bind(&streams[..])
                .bind(&workers[..])
                .bind(&epochs[..])
                .bind(micros(lease))
                .fetch_all(&mut *step)
                .await);
            match tried {
                Ok(lost) => {
                    held.put_back();
                    break lost;
                }
                Err(error) => {
                    self.inner.connections.is_spent(&error);
                    if !retry.allows(SqlErrorKind::of(&error)).await {
                        return Err(error.into());
                    }
                }
            }
        };
        let lost = lost.iter().filter_map(|nth| usize::try_from(nth - 1).ok());
        Ok(lost.filter_map(|i| claims.get(i).cloned()).collect())
    }

    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        let Some(row) = self.lane_row(group, stream).await? else {
            return Ok(None);
        };
        if get(&row, "is_of_stretches")? {
            return Ok(None);
        }
        Ok(Some(LaneState::new(
            position(get(&row, "acked_pos")?)?,
            number(get::<i32>(&row, "attempts")?.into())?,
            get::<&str>(&row, "state")? == "parked",
            failure(&row)?,
        )))
    }

    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        let ids: Vec<_> = commands.iter().map(|command| command.as_uuid()).collect();
        let found: Vec<(sqlx::types::Uuid, String)> = retrying!(self, connection =>
            self.inner.sql.refusals.query_as()
                .bind(&ids[..])
                .fetch_all(&mut *connection)
                .await)?;
        let refusal = |(command, reason): (_, _)| Refusal {
            command: MessageId::from_uuid(command),
            reason,
        };
        Ok(found.into_iter().map(refusal).collect())
    }

    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        let names: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
        let counts: Vec<(String, i64)> = retrying!(self, connection =>
            self.inner.sql.pending_lanes.query_as()
                .bind(&names[..])
                .fetch_all(&mut *connection)
                .await)?;
        all_known(groups, counts.iter().map(|(name, _)| name.as_str()))?;
        number(counts.iter().map(|(_, count)| count).sum())
    }
}

/// How a message could not be handled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed<'e> {
    verdict: Verdict,
    error: &'e str,
}

/// Fails the first message of a held lane. Gives the number of lanes: 0 when it is not held any more.
pub(crate) async fn fail(
    connection: &mut PgConnection,
    sql: &Sql,
    claim: &ClaimKey,
    failed: Failed<'_>,
) -> Attempt<u64> {
    let (text, delay) = match failed.verdict {
        Verdict::RetryAfter(delay) => (&sql.fail, Some(micros(delay))),
        Verdict::Park => (&sql.fail, None),
        Verdict::Skip => return skip_failed(connection, sql, claim, failed.error).await,
        Verdict::StopGroup => (&sql.fail_group, Some(0)),
    };
    let done = text
        .query()
        .bind(claim.group.as_str())
        .bind(claim.stream.as_str())
        .bind(claim.worker.as_uuid())
        .bind(clamped(claim.epoch.get()))
        .bind(delay)
        .bind(readable(bounded(failed.error)))
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// Fails the first message of a lane that its claim has just given back with progress, in the same transaction. Of a stretch
/// nothing is failed.
pub(crate) async fn fail_next(
    connection: &mut PgConnection,
    sql: &Sql,
    claim: &ClaimKey,
    failed: Failed<'_>,
) -> Attempt<()> {
    let taken_back = sql
        .take_again
        .query()
        .bind(claim.group.as_str())
        .bind(claim.stream.as_str())
        .bind(claim.worker.as_uuid())
        .bind(clamped(claim.epoch.get()))
        .execute(&mut *connection)
        .await?;
    if taken_back.rows_affected() > 0 {
        fail(connection, sql, claim, failed).await?;
    }
    Ok(())
}

pub(crate) enum ClaimTrouble {
    Sql(SqlError),
    Backend(BackendError),
}

impl Told for ClaimTrouble {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Backend(_) => None,
        }
    }
}

impl From<SqlError> for ClaimTrouble {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<BackendError> for ClaimTrouble {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

/// Lanes that were claimed together.
#[derive(Default)]
struct Batch {
    claims: Vec<Claim>,
    /// Lanes in which nothing was found: group, stream, epoch, head.
    empty: Vec<[i64; 4]>,
    /// Lanes whose next message cannot be read, and why.
    unreadable: Vec<(ClaimKey, BackendError)>,
}

impl Postgres {
    async fn claim_once(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
    ) -> Result<Vec<Claim>, ClaimTrouble> {
        loop {
            let looked: Attempt<_> =
                in_step!(self, &mut *connection, step => self.look(&mut step, request).await);
            let (mut work, prepared) = looked?;
            all_known(
                &request.groups,
                work.iter().map(|group| group.name.as_str()),
            )?;
            let far_behind: Vec<i32> = work
                .iter()
                .filter(|group| group.has_stretch)
                .map(|group| group.id)
                .collect();
            work.retain(|group| group.oldest.is_some());
            if work.is_empty() && far_behind.is_empty() && prepared == Prepared::Done {
                return Ok(Vec::new());
            }
            let (mut claims, has_passed) = self
                .claim_stretches(connection, request, &far_behind)
                .await?;
            // Whose work waits longest comes first.
            work.sort_by_key(|group| group.oldest);
            let first = work.iter().take(request.lanes - claims.len());
            let of_log = first.filter(|group| group.is_global);
            claims.extend(self.claim_logs(connection, request, of_log).await?);
            let of_streams = work.iter().filter(|group| !group.is_global);
            let groups = of_streams.map(|group| group.id).collect();
            let room = request.lanes - claims.len();
            let (shares, was_empty) = self.claim_shares(connection, request, room, groups).await?;
            claims.extend(shares);
            let go_on = prepared == Prepared::More || was_empty || has_passed;
            if !claims.is_empty() || !go_on {
                return Ok(claims);
            }
        }
    }

    /// Claims in rounds: in each, every group gets the same share of what is left to claim. Those that use all of their
    /// share take part in the next one.
    async fn claim_shares(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        room: usize,
        mut groups: Vec<i32>,
    ) -> Result<(Vec<Claim>, bool), ClaimTrouble> {
        const MOST: usize = 1_000;
        const MOST_BYTES: usize = 1 << 40;
        let wanted = room.min(MOST);
        let mut claims = Vec::new();
        let mut was_empty = false;
        while claims.len() < wanted && !groups.is_empty() {
            let left = wanted - claims.len();
            let share = (left / groups.len()).max(1);
            let text = self.inner.sql.claim.sized([
                ("{share}", share),
                ("{lanes}", left),
                ("{messages}", request.messages_per_lane.clamp(1, 10_000)),
                ("{bytes}", request.bytes.clamp(1, MOST_BYTES)),
            ]);
            let query = text
                .query()
                .bind(&groups[..])
                .bind(request.worker.as_uuid())
                .bind(micros(request.lease));
            let rows: Attempt<Vec<PgRow>> =
                in_step!(self, &mut *connection, step => query.fetch_all(&mut *step).await);
            let rows = rows?;
            let (batch, lanes_of) = read_batch(&rows, request)?;
            self.settle(connection, request, &batch.empty).await?;
            for (claim, error) in &batch.unreadable {
                self.park_unreadable(claim, error).await?;
            }
            was_empty |= !batch.empty.is_empty() || !batch.unreadable.is_empty();
            groups.retain(|group| lanes_of.iter().filter(|of| *of == group).count() >= share);
            claims.extend(batch.claims);
        }
        Ok((claims, was_empty))
    }

    /// Gives back lanes in which nothing was found.
    async fn settle(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        empty: &[[i64; 4]],
    ) -> Attempt<()> {
        if empty.is_empty() {
            return Ok(());
        }
        let column = |i: usize| -> Vec<i64> { empty.iter().map(|lane| lane[i]).collect() };
        let query = self
            .inner
            .sql
            .settle
            .query()
            .bind(column(0))
            .bind(column(1))
            .bind(column(2))
            .bind(column(3))
            .bind(request.worker.as_uuid());
        in_step!(self, connection, step => query.execute(&mut *step).await.map(drop))
    }

    /// *quarantine*: one message that cannot be read holds up its own stream, and no other.
    pub(crate) async fn park_unreadable(
        &self,
        claim: &ClaimKey,
        error: &BackendError,
    ) -> Result<(), BackendError> {
        tracing::error!(group = %claim.group, stream = %claim.stream, %error, "parked a lane with an unreadable message");
        match self.fail(claim, Verdict::Park, &error.to_string()).await {
            Err(FenceError::Backend(error)) => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) async fn lane_row(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<PgRow>, BackendError> {
        Ok(retrying!(self, connection => self.inner.sql.lane.query()
            .bind(group.as_str())
            .bind(stream.as_str())
            .fetch_optional(&mut *connection)
            .await)?)
    }

    pub(crate) fn given_back(&self, claim: &ClaimKey, lanes: u64) -> Result<(), FenceError> {
        if lanes == 0 {
            return Err(FenceError::Fenced {
                group: claim.group.clone(),
                stream: claim.stream.clone(),
            });
        }
        self.inner.hints.raise();
        Ok(())
    }
}

/// A lane among the rows of a claim.
struct ClaimedLane {
    ids: (i32, i64),
    ready_pos: i64,
    head: i64,
    claim: Claim,
    /// The seq of the first message that cannot be read, and why.
    damage: Option<(i64, BackendError)>,
}

impl ClaimedLane {
    /// What comes before the damage is still delivered, what comes after it has to wait.
    fn stop_at_damage(&mut self) {
        let deliveries = &mut self.claim.deliveries;
        deliveries.sort_by_key(|delivery| delivery.message.seq);
        if let Some((seq, _)) = &self.damage {
            deliveries.retain(|delivery| clamped(delivery.message.seq.get()) < *seq);
        }
    }
}

/// Reads claimed lanes, and of which group each one is. Where a row is of a lane and where of a message, shows in it; and
/// nothing depends on their order.
fn read_batch(rows: &[PgRow], request: &ClaimRequest) -> Result<(Batch, Vec<i32>), BackendError> {
    let mut batch = Batch::default();
    let Some(first) = rows.first() else {
        return Ok((batch, Vec::new()));
    };
    let columns = ["group_id", "stream_id", "epoch", "replaying"];
    let [group_id, stream_id, epoch, replaying] = columns.map(|column| ordinal(first, column));
    let (group_id, stream_id, epoch, replaying) = (group_id?, stream_id?, epoch?, replaying?);
    let ids = |row| Ok::<_, BackendError>((at(row, group_id)?, at(row, stream_id)?));
    let is_lane = |row| Ok::<_, BackendError>(at::<Option<i64>>(row, epoch)?.is_some());
    let mut lanes = Vec::new();
    let mut names = Vec::new();
    for row in rows {
        if is_lane(row)? {
            let claim = claimed(row, request, &mut names)?;
            lanes.push(ClaimedLane {
                ids: ids(row)?,
                ready_pos: get(row, "ready_pos")?,
                head: get(row, "head_seq")?,
                claim,
                damage: None,
            });
        }
    }
    // The ones that wait longest come first.
    lanes.sort_by_key(|lane| lane.ready_pos);
    let places = lanes.iter().enumerate();
    let places: HashMap<_, _> = places.map(|(place, lane)| (lane.ids, place)).collect();
    let mut messages = MessageReader::each(first)?;
    let mut last = ((0, 0), None);
    for row in rows {
        if is_lane(row)? {
            continue;
        }
        let ids = ids(row)?;
        if last.0 != ids {
            last = (ids, places.get(&ids).copied());
        }
        let lane = last.1.and_then(|place| lanes.get_mut(place));
        let Some(ClaimedLane { claim, damage, .. }) = lane else {
            let text = "a message of a lane that was not claimed";
            return Err(BackendError::Corrupt(text.to_owned()));
        };
        match messages.read_of(&claim.key.stream, row) {
            Ok(message) => claim.deliveries.push(Delivery {
                message,
                replaying: at(row, replaying)?,
            }),
            Err(error) => {
                let seq = messages.seq_of(row)?;
                if damage.as_ref().is_none_or(|(first, _)| seq < *first) {
                    *damage = Some((seq, error));
                }
            }
        }
    }
    let lanes_of = lanes.iter().map(|lane| lane.ids.0).collect();
    for mut lane in lanes {
        lane.stop_at_damage();
        let ClaimedLane {
            ids: (group, stream),
            head,
            claim,
            damage,
            ..
        } = lane;
        match damage {
            _ if !claim.deliveries.is_empty() => batch.claims.push(claim),
            Some((_, error)) => batch.unreadable.push((claim.key, error)),
            None => {
                let epoch = clamped(claim.key.epoch.get());
                batch.empty.push([group.into(), stream, epoch, head]);
            }
        }
    }
    Ok((batch, lanes_of))
}

/// A claim without its messages.
fn claimed(
    row: &PgRow,
    request: &ClaimRequest,
    names: &mut Vec<GroupId>,
) -> Result<Claim, BackendError> {
    let key = ClaimKey {
        group: known(names, get(row, "group_name")?, group)?,
        stream: stream(get(row, "stream")?)?,
        worker: request.worker,
        epoch: Epoch::new(number(get(row, "epoch")?)?),
    };
    Ok(Claim {
        key,
        deliveries: Vec::new(),
        attempts: number(get::<i32>(row, "attempts")?.into())?,
        failing_for: Duration::from_micros(number(get(row, "failing_for")?)?),
    })
}

fn all_known<'n>(
    groups: &[GroupId],
    names: impl Iterator<Item = &'n str>,
) -> Result<(), BackendError> {
    let known: HashSet<&str> = names.collect();
    let mut groups = groups.iter();
    match groups.find(|group| !known.contains(group.as_str())) {
        Some(group) => Err(BackendError::UnknownGroup(group.clone())),
        None => Ok(()),
    }
}

/// A duration for the database, which cannot count for ever: a hundred years at most.
pub(crate) fn micros(duration: Duration) -> i64 {
    const HUNDRED_YEARS: Duration = Duration::from_hours(24 * 365 * 100);
    clamped(duration.min(HUNDRED_YEARS).as_micros())
}
