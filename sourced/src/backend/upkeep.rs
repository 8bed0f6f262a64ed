//! Upkeep: taking away what nobody needs any more, and looking at how much there is.

use async_trait::async_trait;
use serde::Serialize;

use super::{BackendError, ReadStream, Snapshot};
use crate::message::StoredMessage;
use crate::stream::{GroupId, Position, Seq, StreamId};
use crate::time::Timestamp;

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
    /// whole: [`Log::read_stream`](super::Log::read_stream), [`Log::find`](super::Log::find) and
    /// [`Log::read_correlation`](super::Log::read_correlation). Only
    /// [`Log::read_log`](super::Log::read_log) passes over it.
    ///
    /// # Errors
    /// [`TruncateError::Waiting`] and [`TruncateError::BeyondEnd`] before anything is removed.
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError>;

    /// Reads a part of a stream as [`Log::read_stream`](super::Log::read_stream) does, and passes over what is removed.
    /// The limit counts what is passed over, too.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError>;

    /// The streams that were written to last, the newest first: at most `limit` of those whose last message lies before this
    /// position; `None` is the end of the log. Removed messages count as any.
    ///
    /// - *flat-cost*: it looks at no more than [`RecentStreams::MOST_LOOKED_AT`] messages, so a page may be shorter than its
    ///   limit, and even empty, though another one follows.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError>;

    /// How much is stored, as far as that is known without counting.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn statistics(&self) -> Result<Statistics, BackendError>;

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

/// A page of the streams that were written to last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecentStreams {
    /// The streams, the newest activity first.
    pub streams: Vec<RecentStream>,
    /// Where the next page goes on; `None` when this was the last one.
    pub next: Option<Position>,
}

impl RecentStreams {
    /// So many messages are looked at for a page.
    pub const MOST_LOOKED_AT: usize = 10_000;

    /// A page of at most `limit` streams, for which the log was looked at down to a position. For backends.
    pub fn page(streams: Vec<RecentStream>, limit: usize, lowest: Option<Position>) -> Self {
        let last = streams.last().map(|stream| stream.position);
        let is_full = streams.len() >= limit && last.is_some();
        Self {
            next: if is_full { last } else { lowest },
            streams,
        }
    }
}

/// A stream, and what happened in it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentStream {
    /// Its name.
    pub id: StreamId,
    /// The seq of its last message.
    pub last: Seq,
    /// The position of its last message.
    pub position: Position,
    /// When its last message was made.
    pub at: Timestamp,
}

/// How much is stored. All of it is estimated, and good for a first impression: small stores may be told exactly, large ones
/// within a few percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Statistics {
    /// About so many messages were stored; those whose payload was removed count.
    pub messages: u64,
    /// About so many streams were written to.
    pub streams: u64,
    /// Bytes on disk, with everything else of the store; in SQLite those of the whole file. `None` in memory.
    pub bytes: Option<u64>,
}

impl Statistics {
    /// For backends.
    pub fn new(messages: u64, streams: u64, bytes: Option<u64>) -> Self {
        Self {
            messages,
            streams,
            bytes,
        }
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
    #[error("{0}")]
    Backend(#[from] BackendError),
}

/// A message that cannot be put back. For backends.
pub fn never_there(stream: &StreamId, seq: Seq) -> BackendError {
    let text = format!(
        "message {seq} of stream `{stream}` cannot be put back: another message was stored there, or none"
    );
    BackendError::Refused(text.into())
}
