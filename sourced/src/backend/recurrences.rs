//! Recurrences: how far the ticks of what recurs have come.

use async_trait::async_trait;

use super::{AppendError, Appended, BackendError, StreamAppend};
use crate::stream::RecurrenceId;
use crate::time::Timestamp;

/// How far each recurrence has come.
///
/// *tick-once*: a tick is made by whoever moves the progress over it, in the transaction that stores its message. Who
/// has seen older progress is refused, so any number of processes may try.
#[async_trait]
pub trait Recurrences: Send + Sync {
    /// Looks how far a recurrence has come, and what time it is by the backend's own clock.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError>;

    /// Moves a recurrence on from the progress that the caller has seen, and appends as
    /// [`Store::append`](super::Store::append) does, all or nothing. When its progress is another one meanwhile, nothing
    /// happens.
    ///
    /// # Errors
    /// As [`Store::append`](super::Store::append).
    async fn advance(
        &self,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError>;
}

/// How far a recurrence has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Its rule, as text.
    pub rule: String,
    /// When the rule was first seen: it has no ticks up to then.
    pub since: Timestamp,
    /// The last tick that was made, by whatever rule. All ticks up to it were made or passed over.
    pub last: Option<Timestamp>,
}

/// A look at a recurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The time by the backend's own clock.
    pub now: Timestamp,
    /// `None` when it has never been moved on.
    pub progress: Option<Progress>,
}

/// What came of moving a recurrence on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advance {
    /// It was moved on, and the messages are stored.
    Done(Vec<Appended>),
    /// Somebody else had moved it on. Nothing is stored.
    Behind,
}
