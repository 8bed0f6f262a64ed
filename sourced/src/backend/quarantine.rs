//! Quarantine: what could not be handled, and what a person does about it.

use async_trait::async_trait;
use serde::Serialize;

use super::BackendError;
use crate::message::{MessageId, TypeName};
use crate::stream::{GroupId, Position, Seq, StreamId};
use crate::time::Timestamp;

/// So much is kept of an error or a reason; what is longer is cut.
pub const MAX_REASON_BYTES: usize = 8 * 1024;

/// Looking at parked lanes, and letting them go on.
///
/// All of it is an error for a group that was never registered, or was removed: [`BackendError::UnknownGroup`].
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// A page of the group's parked lanes: at most `limit` of them, in an order that does not change, after the stream
    /// that the page before ended with.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError>;

    /// Makes a parked lane ready again. Its attempts start again; that and why is recorded as [`Remedy::Retried`].
    ///
    /// # Errors
    /// [`QuarantineError::NotParked`] when the lane is not parked, or there is none.
    async fn retry_parked(
        &self,
        group: &GroupId,
        stream: &StreamId,
        reason: &str,
    ) -> Result<(), QuarantineError>;

    /// Acknowledges one message without handling it, and records that and why as [`Remedy::Skipped`]. The lane need not
    /// be parked: it may be delayed, ready, or held.
    ///
    /// - *ack-never-jumps*: exactly this message is acknowledged. It has to be the first that waits in its lane, what is
    ///   owed included. One that is not sorted into its lane yet
    ///   ([`GroupStatus::sorted_upto`](super::GroupStatus::sorted_upto)) waits in none.
    /// - *quarantine*: the lane is ready for what comes next, its attempts forgotten.
    /// - *fenced*: who holds the lane can store nothing any more.
    ///
    /// A reset delivers the message again, as a replay.
    ///
    /// # Errors
    /// [`QuarantineError::NotFirst`] when another message is the first, or none waits. When the connection was lost on
    /// the way back, that may be because this very call has skipped it: [`Quarantine::skip_of`] tells.
    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError>;

    /// A page of what was done, oldest first: at most `limit` records after the one with the number `after`.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError>;

    /// The last record of skipping the message at this position.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError>;
}

/// The last failure of a lane, since its last progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneFailure {
    /// The stream of the message that failed.
    pub stream: StreamId,
    /// Where the message that failed sits in the log: the first that waited in its lane.
    pub position: Position,
    /// Where it sits in its stream.
    pub seq: Seq,
    /// Its id.
    pub message: MessageId,
    /// Its type.
    pub type_name: TypeName,
    /// The error with its causes; at most [`MAX_REASON_BYTES`] of it.
    pub error: String,
    /// When the first attempt failed, by the backend's clock.
    pub since: Timestamp,
    /// When the last attempt failed, by the backend's clock.
    pub at: Timestamp,
}

/// A lane that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parked {
    /// The stream, or [`StreamId::log`] of a group in global order. Its later messages wait, too.
    pub stream: StreamId,
    /// How often its first message was tried.
    pub attempts: u32,
    /// What failed last.
    pub failure: LaneFailure,
}

/// What was done about a message that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// It was tried again.
    Retried,
    /// It was acknowledged without being handled.
    Skipped,
}

/// The record of what somebody did about a message that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Intervention {
    /// Its number, for the next page.
    pub number: u64,
    /// What was done.
    pub remedy: Remedy,
    /// The stream.
    pub stream: StreamId,
    /// Where the message sits in its stream.
    pub seq: Seq,
    /// Where it sits in the log.
    pub position: Position,
    /// Its id.
    pub message: MessageId,
    /// Its type.
    pub type_name: TypeName,
    /// How often it had failed.
    pub attempts: u32,
    /// How it had failed last; `None` when it had not.
    pub error: Option<String>,
    /// Why it was done. Of what a policy skipped, this is the error.
    pub reason: String,
    /// When, by the backend's clock.
    pub at: Timestamp,
}

/// Why nothing was done about a lane.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuarantineError {
    /// It waits for nobody: somebody was faster, perhaps.
    #[error("stream `{stream}` is not parked for the group `{group}`")]
    NotParked {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
    },
    /// Another message is the first that waits: somebody was faster, perhaps. Nothing was skipped.
    #[error(
        "position {asked} is not the first that waits for the group `{group}` in stream `{stream}`: {}",
        first.map_or("nothing does".to_owned(), |first| format!("that is position {first}"))
    )]
    NotFirst {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
        /// Which one was to be skipped.
        asked: Position,
        /// Which one is the first, if any waits.
        first: Option<Position>,
    },
    /// The storage did not do it.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

/// What is kept of an error or a reason. For backends.
pub fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_REASON_BYTES)]
}
