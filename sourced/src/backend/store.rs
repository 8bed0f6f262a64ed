//! The log: appending to streams.

use async_trait::async_trait;

use super::{AppendError, BackendError, ExpectedSeq, Log};
use crate::message::{MessageId, NewMessage};
use crate::stream::{Position, Seq, StreamId};

/// The log of messages, for appending.
#[async_trait]
pub trait Store: Log {
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

    /// Looks whether the storage would take a write now, and writes nothing. For health checks: after a failover a program may
    /// be connected to a server that still answers all questions.
    ///
    /// # Errors
    /// [`BackendError::Unavailable`] with the reason.
    async fn takes_writes(&self) -> Result<(), BackendError> {
        Ok(())
    }
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
