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
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn register_group(&self, group: &Group) -> Result<(), BackendError>;

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
    /// [`BackendError`] when the storage does not answer.
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

/// How far a group is.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let before = |oldest: Position| Position::new(oldest.get().saturating_sub(1));
        let handled = self.oldest_pending.map_or(self.sorted_upto, before);
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
