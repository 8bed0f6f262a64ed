//! The log: appending to streams and reading them.

use std::fmt;

use async_trait::async_trait;

use super::{AppendError, BackendError};
use crate::message::{CorrelationId, Kind, MessageId, NewMessage, StoredMessage};
use crate::stream::{ExpectedSeq, Position, Seq, StreamId};

/// The log of messages.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Appends to one or several streams, all or nothing.
    ///
    /// The result has one entry per message, in the order they were given: streams first, messages inside them. A
    /// stream may be named once per call. Where no messages are given for it, it is *guarded*: its expectation is looked
    /// at as that of any other, in the same transaction, and nothing is stored in it; a stream nobody wrote to stays so.
    ///
    /// - *dense-seq*: the seqs of a stream are 1, 2, 3 … without holes, shared by commands and events.
    /// - *one-winner*: of concurrent appends expecting the same end of a stream, exactly one wins.
    /// - *acked-is-durable*: once this returned, the messages survive the death of every process.
    /// - *same-id-once*: a message whose id is already stored in that stream is recognised, before the expectation is
    ///   looked at, and reported with its first place as [`Appended::already_stored`]. When all messages of the call
    ///   are, the call is a success, and its guards are not looked at: they held when it was stored. When only some are,
    ///   the others are appended if the expectation of their streams and of all guards is [`ExpectedSeq::Any`]; otherwise
    ///   it is an [`AppendError::IdTaken`]. So is an id stored in another stream, or given twice in one call.
    /// - *in-order-per-stream*: positions inside one stream grow with its seqs, and become visible in that order.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when an expectation is wrong, [`AppendError::IdTaken`] as above,
    /// [`AppendError::Limit`] before anything is stored, [`AppendError::Backend`] for the rest.
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError>;

    /// Reads a part of one stream, in the order of its seqs. A stream nobody wrote to is empty.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer, or holds something it cannot have written.
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError>;

    /// Reads the log of all streams, in the order of positions: at most `limit` messages after `after`.
    ///
    /// *never-skipped*: it ends before the first position whose writer has not committed yet, so whoever continues
    /// after the last position they saw misses nothing, however late that writer commits.
    ///
    /// # Errors
    /// As [`Store::read_stream`].
    async fn read_log(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, BackendError>;

    /// The last position that [`Store::read_log`] would give now; [`Position::START`] when the log is empty.
    ///
    /// # Errors
    /// As [`Store::read_stream`].
    async fn log_end(&self) -> Result<Position, BackendError>;

    /// Finds a message by its id.
    ///
    /// # Errors
    /// As [`Store::read_stream`].
    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError>;

    /// Reads all messages of one conversation, over all streams, in the order of positions.
    ///
    /// # Errors
    /// As [`Store::read_stream`].
    async fn read_correlation(&self, id: CorrelationId)
    -> Result<Vec<StoredMessage>, BackendError>;
}

/// What is to be appended to one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamAppend {
    /// The stream; it comes into being with its first message.
    pub stream: StreamId,
    /// What its writer believes about its end.
    pub expected: ExpectedSeq,
    /// The messages, in order. Without any, the stream is only guarded.
    pub messages: Vec<NewMessage>,
}

impl StreamAppend {
    /// Stores nothing in a stream, but expects something of it: for a decision that was made on what it holds.
    pub fn guard(stream: StreamId, expected: ExpectedSeq) -> Self {
        Self {
            stream,
            expected,
            messages: Vec::new(),
        }
    }
}

/// Where a message stands after an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The message.
    pub id: MessageId,
    /// Where it sits in its stream.
    pub seq: Seq,
    /// Where it sits in the log.
    pub position: Position,
    /// Whether it had been stored before this call.
    pub already_stored: bool,
}

/// Which part of a stream to read.
///
/// ```
/// use sourced::backend::ReadStream;
/// use sourced::{Kind, Seq, StreamId};
///
/// let events = ReadStream::all(StreamId::new("cart-1")?).only(Kind::Event).after(Seq::new(10)).limit(100);
/// assert_eq!(events.limit, Some(100));
/// # Ok::<(), sourced::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStream {
    /// The stream.
    pub stream: StreamId,
    /// Only what comes after this seq; `None` is from the start.
    pub after: Option<Seq>,
    /// Only what comes up to this seq, itself included; `None` is to the end.
    pub upto: Option<Seq>,
    /// Only commands, or only events.
    pub kind: Option<Kind>,
    /// At most so many messages, the first ones.
    pub limit: Option<usize>,
}

impl ReadStream {
    /// The whole stream.
    pub fn all(stream: StreamId) -> Self {
        Self {
            stream,
            after: None,
            upto: None,
            kind: None,
            limit: None,
        }
    }

    /// Only what comes after this seq.
    #[must_use]
    pub fn after(mut self, seq: Option<Seq>) -> Self {
        self.after = seq;
        self
    }

    /// Only what comes up to this seq, itself included.
    #[must_use]
    pub fn upto(mut self, seq: Option<Seq>) -> Self {
        self.upto = seq;
        self
    }

    /// Only commands, or only events.
    #[must_use]
    pub fn only(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// At most so many messages.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}
