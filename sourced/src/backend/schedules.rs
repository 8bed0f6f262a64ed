//! Schedules: messages that are kept now and enter their streams later.

use std::time::Duration;

use async_trait::async_trait;

use super::{AppendError, Appended, BackendError, StreamAppend};
use crate::message::{MessageId, NewMessage};
use crate::stream::StreamId;
use crate::time::Timestamp;

/// Messages for later.
///
/// A scheduled message is in no stream: it has no seq, nobody reads it, and it is no work for any group. When its time
/// has come somebody *promotes* it: it moves to the end of its stream and is a message like any other from then on. Its
/// id, its cause, its metadata and the time of its making stay those it was scheduled with; its seq and its position are
/// those of the moment it was promoted.
///
/// *schedule-once*: it becomes visible at or after its time, once, and in order of its time among those of its stream
/// (of the same time: in the order of scheduling), whoever promotes. Whether its time has come is judged by the
/// backend's own clock, as for leases.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Appends as [`Store::append`](super::Store::append) does, and keeps messages for later, all or nothing. The second
    /// list has one entry per message in `later`. A time that has passed is one that has come: the next promotion takes
    /// the message.
    ///
    /// *same-id-once*: an id that is already scheduled for that stream, or already stored in it, is recognised, and
    /// nothing about it changes. One of another stream, or given twice in one call, is an [`AppendError::IdTaken`].
    ///
    /// # Errors
    /// As [`Store::append`](super::Store::append). The limits count `later` with the rest.
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError>;

    /// Moves up to `limit` messages whose time has come into their streams, those waiting longest first.
    ///
    /// Any number of processes may promote at the same time. A message whose id was appended to its stream meanwhile
    /// counts as promoted. One that cannot be read, or whose id was appended to another stream, is set aside with the
    /// reason and stops nothing else.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer; what was to be promoted is still scheduled then.
    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError>;

    /// Lists what is scheduled, in the order of times and then of ids: at most `limit` messages after the one of this
    /// time and id. What was set aside is not among them, nor is what cannot be read.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError>;

    /// Looks for a scheduled message by its id. `None` when it was promoted, cancelled or never scheduled.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError>;

    /// Lists up to `limit` messages that were set aside, in the order of their times.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn set_aside(&self, limit: usize) -> Result<Vec<SetAside>, BackendError>;

    /// Forgets a scheduled message, also one that was set aside.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError>;

    /// Gives a scheduled message another time. One that was set aside gets another chance.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError>;
}

/// A message, its stream, and when it is to be there.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// When it may be promoted at the earliest.
    pub at: Timestamp,
    /// The stream it goes to.
    pub stream: StreamId,
    /// The message.
    pub message: NewMessage,
}

/// What scheduling a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduling {
    /// It is scheduled now.
    Done,
    /// An earlier call had scheduled it; the time of that call stands.
    AlreadyScheduled,
    /// It is in its stream already.
    AlreadyStored,
}

/// What a promotion came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Promotion {
    /// How many messages are in their streams now.
    pub promoted: usize,
    /// How many could not be, and were set aside.
    pub set_aside: usize,
    /// How long until the next one's time comes, by the backend's own clock; zero when it has come. `None` when nothing
    /// is scheduled.
    pub next_in: Option<Duration>,
}

impl Promotion {
    /// For backends.
    pub fn new(promoted: usize, set_aside: usize, next_in: Option<Duration>) -> Self {
        Self {
            promoted,
            set_aside,
            next_in,
        }
    }
}

/// How a scheduled message waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// For this time.
    Until(Timestamp),
    /// For a person: it could not be promoted, for this reason.
    SetAside(String),
}

/// A message that could not be promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The message.
    pub id: MessageId,
    /// Why.
    pub error: String,
}

/// What came of changing what is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was scheduled, and is changed.
    Done,
    /// Too late: it is in its stream.
    AlreadyStored,
    /// No message of this id is scheduled or stored.
    Unknown,
}
