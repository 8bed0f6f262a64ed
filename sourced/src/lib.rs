//! Event sourcing and CQRS for plain Rust types.

pub mod backend;
pub mod env;
mod failure;
pub mod message;
mod stream;
mod time;

pub use failure::Failure;
pub use message::{
    Command, CorrelationId, Event, Kind, Message, MessageId, MessageType, Metadata, NewMessage,
    Payload, PayloadError, StoredMessage, TypeName,
};
pub use stream::{ExpectedSeq, GroupId, IntoStreamId, InvalidName, Position, Seq, StreamId};
pub use time::Timestamp;
