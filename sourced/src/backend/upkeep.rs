//! Upkeep: taking away what nobody needs any more, and looking at how much there is.

use async_trait::async_trait;

use super::{BackendError, ReadStream, Snapshot};
use crate::message::StoredMessage;
use crate::stream::{GroupId, Seq, StreamId};

/// Looking after the log.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Removes the first messages of a stream for good, and says how many this call has removed. What comes after them
    /// stays, with its seqs and positions.
    ///
    /// The payload and the metadata of a removed message are gone; its id, its type and its place are kept.
    ///
    /// - *dense-seq*: the stream goes on where it was; no seq and no position is used again.
    /// - *same-id-once*: a removed id that is appended again is recognised, and gets its first place.
    /// - *never-skipped*: nothing is removed while a group has to handle it: pending, claimed, delayed, parked, owed, to
    ///   be replayed, or not sorted into a lane yet. Nor while one that stands on a snapshot of [`Truncation::bases`]
    ///   has not handled everything in it.
    /// - A later replay, and a group that is registered later, begin with what is left.
    ///
    /// Whoever would have to read a removed message is told so by [`BackendError::Removed`], and never given a part as the
    /// whole: [`Store::read_stream`](super::Store::read_stream), [`Store::find`](super::Store::find) and
    /// [`Store::read_correlation`](super::Store::read_correlation). Only
    /// [`Store::read_log`](super::Store::read_log) passes over it.
    ///
    /// # Errors
    /// [`TruncateError::Waiting`] and [`TruncateError::BeyondEnd`] before anything is removed.
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError>;

    /// Reads a part of a stream as [`Store::read_stream`](super::Store::read_stream) does, and passes over what is removed.
    /// The limit counts what is passed over, too.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError>;

    /// Puts removed messages back as they were, all or none, and says how many of them had been missing.
    ///
    /// They are history again: a state can be made of them, and a reset delivers them to the groups that have handled
    /// them. They are no new work for anybody.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when one of them never stood where it says.
    async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError>;
}

/// What is to be removed from a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncation {
    /// The stream.
    pub stream: StreamId,
    /// Everything up to here is removed, itself included.
    pub upto: Seq,
    /// The snapshots that take the place of what is removed, by actor: they are kept in the same transaction, beside the
    /// newest ones, for [`Snapshots::base`](super::Snapshots::base). The actor must have handled everything in its own.
    pub bases: Vec<(GroupId, Snapshot)>,
}

impl Truncation {
    /// The last seq that this group must have handled.
    pub fn handled_by(&self, group: &GroupId) -> Seq {
        let named = self.bases.iter().filter(|(name, _)| name == group);
        named.map(|(_, base)| base.seq).fold(self.upto, Seq::max)
    }
}

/// What is left of a part of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Left {
    /// The messages.
    pub messages: Vec<StoredMessage>,
    /// The last seq that was looked at, to go on after; `None` when there was nothing.
    pub looked_upto: Option<Seq>,
}

impl Left {
    /// Adds what was read next, removed or not. For backends.
    ///
    /// # Errors
    /// Those of the reading, but that the message was removed.
    pub fn add(&mut self, next: Result<StoredMessage, BackendError>) -> Result<(), BackendError> {
        match next {
            Ok(message) => {
                self.looked_upto = Some(message.seq);
                self.messages.push(message);
            }
            Err(BackendError::Removed { upto, .. }) => self.looked_upto = Some(upto),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TruncateError {
    /// A group has not handled everything yet.
    #[error(
        "the group `{group}` has yet to handle message {seq} of stream `{stream}`: let it, skip the message, or remove the group"
    )]
    Waiting {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
        /// The first message that waits.
        seq: Seq,
    },
    /// The stream is not that long.
    #[error("stream `{stream}` ends with message {}", last.map_or(0, Seq::get))]
    BeyondEnd {
        /// The stream.
        stream: StreamId,
        /// Its last seq; `None` when nobody wrote to it.
        last: Option<Seq>,
    },
    /// The storage did not do it.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// A message that cannot be put back. For backends.
pub fn never_there(stream: &StreamId, seq: Seq) -> BackendError {
    let text = format!(
        "message {seq} of stream `{stream}` cannot be put back: another message was stored there, or none"
    );
    BackendError::Refused(text.into())
}
