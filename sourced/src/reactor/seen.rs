//! Waiting until a reactor has seen what was stored.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Reactor, Services};
use crate::backend::{BackendError, GroupOrder, GroupState, LaneState, Signal};
use crate::message::{MessageId, TypeName};
use crate::stream::{GroupId, Position, StreamId};

/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Why a reactor is not known to have seen what was stored. It may see it later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeenError {
    /// The time was up.
    #[error("`{group}` has not seen stream `{stream}` up to position {position} within {within:?}")]
    TimedOut {
        /// The group of the reactor.
        group: GroupId,
        /// The stream.
        stream: StreamId,
        /// The message it has not seen yet.
        position: Position,
        /// The limit.
        within: Duration,
    },
    /// The time was up, and the command was not decided yet.
    #[error("command `{command}` was not decided within {within:?}")]
    Undecided {
        /// The command's id.
        command: MessageId,
        /// The limit.
        within: Duration,
    },
    /// The command waits for a person, or is gone.
    #[error("command `{command}` is not decided: {why}")]
    NotDecided {
        /// The command's id.
        command: MessageId,
        /// What became of it.
        why: String,
    },
    /// The stream is parked for the group, until a person looks at it.
    #[error("stream `{stream}` is parked for `{group}`: {error}")]
    Parked {
        /// The group of the reactor.
        group: GroupId,
        /// The stream.
        stream: StreamId,
        /// How it failed last.
        error: String,
    },
    /// The group is stopped, until a person starts it.
    #[error("`{group}` is stopped: {reason}")]
    Stopped {
        /// The group of the reactor.
        group: GroupId,
        /// Why.
        reason: String,
    },
    /// The group is not known, or the storage does not answer.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

/// A wait with a limit, on the clock of the app. Signals are hints, polling is the truth.
pub(crate) struct Wait<'s> {
    services: &'s Services,
    within: Duration,
    limit: BoxFuture<'static, ()>,
    /// Taken before the first look, so that nothing handled after it goes unnoticed.
    signal: Signal,
    pause: Duration,
}

impl<'s> Wait<'s> {
    pub(crate) fn new(services: &'s Services, within: Duration) -> Self {
        Self {
            services,
            within,
            limit: services.env.clock.sleep(within),
            signal: services.backend.signal(),
            pause: Duration::from_millis(2),
        }
    }

    pub(crate) fn within(&self) -> Duration {
        self.within
    }

    /// Resolves when it is time to look again; false when the time is up.
    pub(crate) async fn look_again(&mut self) -> bool {
        let sleep = self.services.env.clock.sleep(self.pause);
        tokio::select! {
            biased;
            () = &mut self.limit => return false,
            () = self.signal.raised() => {}
            () = sleep => self.pause = (self.pause * 2).min(LONGEST_PAUSE),
        }
        true
    }

    /// Waits until all of it is seen.
    pub(crate) async fn until_seen(mut self, sight: Sight) -> Result<(), SeenError> {
        // Not asked of `self`, which nobody but its holder may look at, while it waits.
        let services = self.services;
        let Sight { group, upto } = sight;
        for (stream, position) in upto {
            while !is_seen(services, &group, &stream, position).await? {
                if !self.look_again().await && !is_seen(services, &group, &stream, position).await?
                {
                    return Err(SeenError::TimedOut {
                        group,
                        stream,
                        position,
                        within: self.within,
                    });
                }
            }
        }
        Ok(())
    }
}

/// What a reactor has to see.
#[derive(Debug)]
pub(crate) struct Sight {
    group: GroupId,
    /// By lane, the last of its messages.
    upto: BTreeMap<StreamId, Position>,
}

impl Sight {
    /// Those of these messages that the reactor handles.
    pub(crate) fn of<'m>(
        reactor: &dyn Reactor,
        messages: impl IntoIterator<Item = (&'m StreamId, &'m TypeName, Position)>,
    ) -> Self {
        let types = reactor.handled_types();
        let mut upto: BTreeMap<StreamId, Position> = BTreeMap::new();
        for (stream, type_name, position) in messages {
            if types.contains(type_name) {
                let lane = match reactor.order() {
                    GroupOrder::PerStream => stream.clone(),
                    GroupOrder::Global => StreamId::log(),
                };
                let last = upto.entry(lane).or_insert(position);
                *last = position.max(*last);
            }
        }
        Self {
            group: reactor.group().clone(),
            upto,
        }
    }
}

async fn is_seen(
    services: &Services,
    group: &GroupId,
    stream: &StreamId,
    position: Position,
) -> Result<bool, SeenError> {
    let backend = &services.backend;
    let lane = backend.lane(group, stream).await?;
    let is_seen = |lane: &LaneState| lane.acked >= position;
    if lane.as_ref().is_some_and(is_seen) {
        return Ok(true);
    }
    let (group, stream) = (group.clone(), stream.clone());
    if let Some(lane) = lane.filter(|lane| lane.parked) {
        let error = lane.last_error().unwrap_or_default().to_owned();
        return Err(SeenError::Parked {
            group,
            stream,
            error,
        });
    }
    match backend.group_state(&group).await? {
        GroupState::Active => Ok(false),
        GroupState::Stopped { reason, .. } | GroupState::Failed { error: reason, .. } => {
            Err(SeenError::Stopped { group, reason })
        }
    }
}
