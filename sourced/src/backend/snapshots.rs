//! Snapshots: states of actors, kept so that a long stream need not be folded from its beginning.

use async_trait::async_trait;

use super::{BackendError, LastEvent};
use crate::message::{MessageId, Payload};
use crate::stream::{GroupId, Seq, StreamId};

/// The newest snapshot of each actor and stream.
///
/// A snapshot is never the truth: it may be missing, old, or made by other code. So they are written outside of every
/// transaction, and losing them costs time only.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// Reads the snapshot that an actor has of a stream.
    ///
    /// - *history-goes-on*: one whose event is not in the stream is passed over. It was made of a log that is not this one
    ///   any more.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer, or holds something it cannot have written.
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError>;

    /// Keeps a snapshot in the place of the one before.
    ///
    /// A later one of the same fingerprint stays, so that of concurrent writers the newest wins. One of another
    /// fingerprint, and one that is passed over, gives way, whatever its seq.
    ///
    /// # Errors
    /// [`BackendError::Refused`] with [`LimitExceeded`](super::LimitExceeded) when the state is too large,
    /// [`BackendError`] when the storage does not answer.
    async fn save_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
        snapshot: &Snapshot,
    ) -> Result<(), BackendError>;

    /// Reads the snapshot that was kept when the beginning of the stream was removed last: see
    /// [`Truncation::bases`](super::Truncation::bases). No later snapshot takes its place, so what comes after the removed
    /// part can always be read from here.
    ///
    /// # Errors
    /// As [`Snapshots::snapshot`].
    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError>;

    /// Forgets the snapshot that an actor has of a stream, and the one that was kept when its beginning was removed.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn delete_snapshot(&self, actor: &GroupId, stream: &StreamId)
    -> Result<(), BackendError>;
}

/// A state, as it was after one event of its stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The seq of the last event in it.
    pub seq: Seq,
    /// The id of that event.
    pub event: MessageId,
    /// Of the code and the shape that made it.
    pub fingerprint: u64,
    /// The state.
    pub state: Payload,
}

impl Snapshot {
    /// The last event in it.
    pub fn last_event(&self) -> LastEvent {
        LastEvent {
            seq: self.seq,
            id: self.event,
        }
    }

    /// Whether it takes the place of this one.
    pub fn replaces(&self, other: &Self) -> bool {
        self.seq > other.seq || self.fingerprint != other.fingerprint
    }
}
