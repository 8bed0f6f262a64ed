//! Consumer groups: who wants which messages, and what an operator does about them.

use async_trait::async_trait;
use serde::Serialize;

use super::BackendError;
use crate::message::TypeName;
use crate::stream::{GroupId, Position, StreamId};
use crate::time::Timestamp;

/// The consumer groups a backend knows.
///
/// All but [`Groups::register_group`] and [`Groups::groups`] are an error for a group that was never registered, or was removed:
/// [`BackendError::UnknownGroup`].
#[async_trait]
pub trait Groups: Send + Sync {
    /// Makes a group known, or changes the types it handles. Registering the same again changes nothing; it does not
    /// start a stopped group either.
    ///
    /// `start_from` counts only when the group is new.
    ///
    /// - *never-skipped*: a type that the group takes up is delivered from the group's start, or from where the group
    ///   gave that type up; what lies below a lane's acknowledged position is *owed*, and comes before what lies above.
    ///   What was pending when a type was given up is owed when the group takes it up again.
    /// - *replay-is-marked*: what is owed was never acknowledged, so it is no replay.
    /// - *fenced*: a change of types takes back all claims of the group, whose acknowledgement could jump over something.
    ///
    /// A change of types costs a look at the log from where the new types were last handled, and a row per owed message.
    ///
    /// A group in global order owes nothing, since what it would owe comes too late: see [`GroupOrder::Global`].
    ///
    /// # Errors
    /// [`BackendError::Refused`] with [`OrderError`] when the group is registered in another order, or in global order with
    /// types that it cannot change to any more; another one when the storage does not answer.
    async fn register_group(&self, group: &Group) -> Result<(), BackendError>;

    /// Notes for good which types of messages the group's reactor knows, those that it only evolves by included, and tells
    /// what was noted before.
    ///
    /// Versions of a program may take turns: what one of them does not know stays noted for the others.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn know_types(
        &self,
        group: &GroupId,
        types: &[TypeName],
    ) -> Result<KnownTypes, BackendError>;

    /// Delivers again what the group has acknowledged, in one stream or in all, from a place on.
    ///
    /// - *replay-is-marked*: what was acknowledged comes again as a replay; what was not is delivered as ever. A group
    ///   never gets what lies before its start.
    /// - *fenced*: claims of the lanes in question are taken back before this returns.
    ///
    /// Lanes that were parked or delayed are free again, their attempts forgotten. Of a type that the group
    /// does not handle at the time, replays may come when it takes that type up again.
    ///
    /// # Errors
    /// [`BackendError::Refused`] with [`OrderError::NoSuchLane`] for one stream of a group in global order, but for
    /// [`StreamId::log`], which is all of it; another one when the storage does not answer.
    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError>;

    /// Gives no more lanes of the group to anybody, in no process, until [`Groups::start_group`]. Running claims may
    /// finish. Stopping a stopped group again replaces the reason.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError>;

    /// Lets a stopped group go on where it was; ends a [hold](super::Versions::hold), too.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError>;

    /// Forgets a group with all its progress; claims of it are lost. Its name can be registered afresh at once. Messages
    /// stay, of course.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer. The group is gone then if it is no longer known, though some
    /// of its rows may be left; the next removal of any group sweeps them.
    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError>;

    /// Whether the group runs, and since when and why not.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError>;

    /// All groups, by name, and how far they are.
    ///
    /// - *flat-cost*: lanes are counted up to [`GroupStatus::MOST_COUNTED`], and no message is read to count them.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError>;
}

/// What earlier programs have noted of a group's types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownTypes {
    /// Whether nothing was noted.
    pub is_new: bool,
    /// Those that were noted and are not among the ones that are noted now, by name.
    pub lost: Vec<TypeName>,
}

impl KnownTypes {
    /// Where these were noted before, by name, and those are known now.
    pub fn of(noted: Vec<TypeName>, known: &[TypeName]) -> Self {
        Self {
            is_new: noted.is_empty(),
            lost: noted
                .into_iter()
                .filter(|name| !known.contains(name))
                .collect(),
        }
    }
}

/// How far a group is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupStatus {
    /// Its name.
    pub id: GroupId,
    /// The types of messages it handles, by name.
    pub types: Vec<TypeName>,
    /// Whether it runs.
    pub state: GroupState,
    /// The log is sorted into its lanes up to here; what comes after is not counted below.
    pub sorted_upto: Position,
    /// Where the log ends.
    pub log_end: Position,
    /// Lanes that are ready, claimed or delayed, up to [`GroupStatus::MOST_COUNTED`].
    pub pending: u64,
    /// Lanes that are parked, up to [`GroupStatus::MOST_COUNTED`].
    pub parked: u64,
    /// No message that waits in these pending lanes lies before this position; of claimed and delayed ones, as many are
    /// looked at as are counted.
    pub oldest_pending: Option<Position>,
    /// Whether the ready lane whose message waits longest, or one of the claimed and delayed ones, goes through what it
    /// has acknowledged before.
    pub is_replaying: bool,
}

impl GroupStatus {
    /// Lanes of one sort are counted so far: this many means this many or more.
    pub const MOST_COUNTED: u64 = 10_000;

    /// Everything up to here is handled, in all streams but the parked ones.
    pub fn handled_upto(&self) -> Position {
        let handled = self
            .oldest_pending
            .map_or(self.sorted_upto, Position::previous);
        handled.min(self.sorted_upto)
    }

    /// How many positions of the log lie between what is handled in all streams but the parked ones, and its end. Not all
    /// of them need be for this group.
    pub fn lag(&self) -> u64 {
        let handled = self.handled_upto().get();
        self.log_end.get().saturating_sub(handled)
    }
}

/// A consumer group: progress of its own over the messages of some types.
#[doc(alias = "subscription")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub id: GroupId,
    /// The types of messages it handles. Others never become work for it.
    pub types: Vec<TypeName>,
    /// Where a new group starts.
    pub start_from: StartFrom,
    /// In which order it is given its messages. It is that of the registration that made the group.
    pub order: GroupOrder,
}

/// In which order a group is given its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum GroupOrder {
    /// Those of each stream in the order of their seqs; streams do not wait for each other.
    #[default]
    PerStream,
    /// All of them in the order of their positions, whatever stream they are in.
    ///
    /// The group has one lane, named [`StreamId::log`], from when it is registered. Everything that the port says of lanes is
    /// true of it, where *the stream* is the whole log: one worker of all processes holds it at a time, and one message that
    /// is parked holds up all that come after it.
    ///
    /// - *never-skipped*: what lies above the first position whose writer has not committed yet is not given to anybody, so
    ///   nothing ever comes in below what was given.
    /// - *in-order-per-stream*: the messages of one claim are the next ones of the log without a gap, in the order of their
    ///   positions.
    /// - No unit settles it: [`UnitError::Busy`](super::UnitError::Busy).
    ///
    /// The types can change as long as nothing is acknowledged behind the group's start, or after a reset to there. Later
    /// only types can be added of which no message lies at or below the acknowledged position; everything else is refused.
    Global,
}

/// Why a group cannot have the order that is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// It is registered in another order.
    #[error(
        "the group `{group}` is registered {}, and now {}: an order cannot change; give the group another name, or remove it and what it has made",
        spoken(*known), spoken(*asked)
    )]
    Other {
        /// The group.
        group: GroupId,
        /// Its order.
        known: GroupOrder,
        /// The one it was to be registered in.
        asked: GroupOrder,
    },
    /// It has passed messages of a type that it is to handle, which would come out of order.
    #[error(
        "the group `{group}` handles the log in global order, and has passed messages of `{type_name}`, which it is to handle now, at or below position {acked}: stop it, rebuild or reset it from the beginning, build this program, and start it; or give it another name"
    )]
    Passed {
        /// The group.
        group: GroupId,
        /// The type.
        type_name: TypeName,
        /// What it has acknowledged.
        acked: Position,
    },
    /// It was to give up a type whose messages are in what it has made.
    #[error(
        "the group `{group}` handles the log in global order up to position {acked}, with `{type_name}`, which it is not to handle any more: stop it, rebuild or reset it from the beginning, build this program, and start it; or give it another name"
    )]
    GivenUp {
        /// The group.
        group: GroupId,
        /// The type.
        type_name: TypeName,
        /// What it has acknowledged.
        acked: Position,
    },
    /// A stream of it was to be reset.
    #[error(
        "the group `{group}` handles the log in global order: it can be reset as a whole, and not in stream `{stream}`"
    )]
    NoSuchLane {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
    },
}

fn spoken(order: GroupOrder) -> &'static str {
    match order {
        GroupOrder::PerStream => "in the order of each stream",
        GroupOrder::Global => "in global order",
    }
}

impl From<OrderError> for BackendError {
    fn from(error: OrderError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// Where a new consumer group starts reading the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StartFrom {
    /// At the first message ever stored.
    #[default]
    Beginning,
    /// After the last message stored when the group is registered.
    Now,
    /// After this position.
    After(Position),
    /// At the first message of the log that was made at this time or later; as [`StartFrom::Now`] when there is none.
    /// Looking for it reads the log up to there, once.
    Since(Timestamp),
}

/// Which lanes a reset is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetScope {
    /// All of the group's.
    All,
    /// The one of this stream. A stream in which the group did nothing yet needs no reset, and gets none.
    Stream(StreamId),
}

/// From where on a reset delivers again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResetFrom {
    /// From where the group started.
    #[default]
    Beginning,
    /// What comes after this position.
    After(Position),
    /// From the first message of the log that was made at this time or later; nothing when there is none. Looking for it
    /// reads the log up to there.
    Since(Timestamp),
}

/// Whether a group's lanes are given to workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupState {
    /// They are.
    Active,
    /// Somebody stopped it.
    Stopped {
        /// Why, in their words.
        reason: String,
        /// Since when, by the backend's clock.
        at: Timestamp,
    },
    /// It stopped because of a failure.
    Failed {
        /// What failed.
        error: String,
        /// At which message; `None` when an older version of the schema knew the group as failed.
        message: Option<FailedMessage>,
        /// Since when, by the backend's clock.
        at: Timestamp,
    },
}

/// The message at which a group has failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedMessage {
    /// Where it is.
    pub position: Position,
    /// Its type.
    pub type_name: TypeName,
}

impl GroupState {
    /// Whether workers are given its lanes.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Active)
    }
}
