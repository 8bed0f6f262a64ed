//! Messages: commands and events, and the envelope they are stored in.

mod broken;
mod id;
mod line;
mod metadata;
mod payload;
mod principal;
mod rules;
mod sample;
mod strict;
mod tick;
mod trace;
mod unstorable;
mod versions;

#[doc(hidden)]
pub use broken::{Asked, IsNoMessage};
pub use id::{CorrelationId, InvalidMessageId, InvalidTypeName, MessageId, TypeName};
pub use metadata::Metadata;
pub use payload::{MAX_PAYLOAD_DEPTH, Payload, PayloadError};
pub(crate) use payload::{Written, depth};
pub use principal::{Principal, ReservedKey};
#[cfg(feature = "garde")]
pub use rules::broken_by_garde;
#[cfg(feature = "schema")]
pub use rules::schema_of;
pub use rules::{BrokenRule, BrokenRules};
pub use sample::{Answers, Place, RefusedPlace, Sampler, Scalar, Unmade, samplers_with};
pub use tick::Tick;
pub use trace::{InvalidTraceparent, Traceparent};
pub use unstorable::Unstorable;
pub use versions::{Since, check_was, names_with, read_since};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::stream::{GroupId, Position, Seq, StreamId};
use crate::time::Timestamp;

/// Whether a message is a wish or a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A wish to change something; it may be refused.
    Command,
    /// A fact that happened; it is never refused.
    Event,
}

/// A payload type with a stable name in storage. `#[command]`, `#[event]` and `#[actor]` write this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message",
    label = "neither a command nor an event",
    note = "write `#[sourced::command]` or `#[sourced::event]` above its struct"
)]
pub trait MessageType: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name under which it is stored, such as `cart.item_added`.
    const NAME: &'static str;
    /// Command or event.
    const KIND: Kind;
    /// Older names under which the same shape was stored: `#[event("cart.item_added", alias = "cart.added")]`.
    const ALIASES: &'static [&'static str] = &[];

    /// How many types it took the place of, one after the other. A circle of `was` has no number, which the compiler says.
    #[doc(hidden)]
    const N_OLDER: usize = 0;

    /// All names under which stored messages are read as this type: its own, its aliases, and those of the types that
    /// it took the place of. Its own is the first.
    fn names() -> Vec<&'static str> {
        versions::own_names::<Self>()
    }

    /// Reads a payload that was stored under one of these names.
    ///
    /// # Errors
    /// [`PayloadError::Decode`] when the payload is not of the shape that the name stands for.
    fn read(type_name: &str, payload: &Payload) -> Result<Self, PayloadError> {
        _ = type_name;
        versions::read_today(payload)
    }

    /// Whether it equals another one of its type; `true` where the type cannot tell.
    #[doc(hidden)]
    fn is_same(&self, _other: &Self) -> bool {
        true
    }

    /// Samples of it and of the types it took the place of, its own first.
    #[doc(hidden)]
    fn samplers() -> Vec<Sampler> {
        vec![Sampler::of::<Self>()]
    }

    /// The rules that its fields break beyond their types: all of them, by path.
    ///
    /// With the feature `garde`, those of a struct that derives `garde::Validate`. A command that breaks a rule is not let
    /// in and not dispatched. What is stored is not asked again: rules change, and history stays.
    fn broken_rules(&self) -> Vec<BrokenRule> {
        Vec::new()
    }

    /// Its JSON Schema. With the feature `schema`, that of a struct that derives `schemars::JsonSchema`; else `None`.
    fn schema() -> Option<serde_json::Value> {
        None
    }
}

/// A wish to change something: decided by exactly one actor, which may refuse it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    label = "not a command",
    note = "a command is a struct with `#[sourced::command]`, or what a `#[command]` method of an actor defines",
    note = "what comes after an event is done by a `#[reaction]` of an actor, or an `#[on]` method of a `#[handler]`"
)]
pub trait Command: MessageType {}

/// A fact that happened.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "an event is a struct with `#[sourced::event]`, or what an `#[event]` method of an actor defines",
    note = "the enum of an actor's events is none itself: list its events, as in `#[on(ItemAdded, ItemRemoved)]`"
)]
pub trait Event: MessageType {}

/// A stored message: a payload, and where it stands among all others.
///
/// A root message is its own cause. Every message stored because of another carries the other's id as its cause, its
/// correlation and its metadata, so that a whole conversation can be followed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Message<P> {
    /// Its name for ever.
    pub id: MessageId,
    /// The stream it belongs to.
    pub stream_id: StreamId,
    /// Where it sits in that stream, from 1.
    pub seq: Seq,
    /// Where it sits in the whole log.
    pub position: Position,
    /// The stable name of its type.
    pub type_name: TypeName,
    /// Command or event.
    pub kind: Kind,
    /// When it was made, by the clock of the process that made it. Order never depends on it.
    pub created_at: Timestamp,
    /// The message that led to this one; a root message's own id.
    pub causation_id: MessageId,
    /// The conversation it belongs to.
    pub correlation_id: CorrelationId,
    /// Data about the message, inherited from its cause.
    pub metadata: Metadata,
    /// The group that had decided this command before it was stored, as a durable method does; such a command is not
    /// delivered to that group again.
    pub decided_by: Option<GroupId>,
    /// What it says.
    pub payload: P,
}

/// A message as it comes out of storage, its payload still JSON text.
pub type StoredMessage = Message<Payload>;

impl<P> Message<P> {
    /// Whether nothing led to this message.
    pub fn is_root(&self) -> bool {
        self.causation_id == self.id
    }

    /// On whose behalf it was made.
    pub fn principal(&self) -> Principal {
        self.metadata.principal()
    }

    /// The tick that this message, or the first one of its conversation, is of. `None` when it does not recur.
    pub fn tick(&self) -> Option<Tick> {
        self.metadata.tick()
    }

    /// The envelope alone.
    pub(crate) fn envelope(&self) -> Message<()> {
        Message {
            id: self.id,
            stream_id: self.stream_id.clone(),
            seq: self.seq,
            position: self.position,
            type_name: self.type_name.clone(),
            kind: self.kind,
            created_at: self.created_at,
            causation_id: self.causation_id,
            correlation_id: self.correlation_id,
            metadata: self.metadata.clone(),
            decided_by: self.decided_by.clone(),
            payload: (),
        }
    }

    /// The same envelope around what becomes of the payload.
    pub fn map<Q>(self, becomes: impl FnOnce(P) -> Q) -> Message<Q> {
        let envelope = self.envelope();
        envelope.with_payload(becomes(self.payload))
    }

    /// The same envelope around another payload.
    pub fn with_payload<Q>(self, payload: Q) -> Message<Q> {
        Message {
            id: self.id,
            stream_id: self.stream_id,
            seq: self.seq,
            position: self.position,
            type_name: self.type_name,
            kind: self.kind,
            created_at: self.created_at,
            causation_id: self.causation_id,
            correlation_id: self.correlation_id,
            metadata: self.metadata,
            decided_by: self.decided_by,
            payload,
        }
    }
}

impl StoredMessage {
    /// Puts a new message where the store placed it. For backends.
    pub fn stored(new: NewMessage, stream_id: StreamId, seq: Seq, position: Position) -> Self {
        Self {
            id: new.id,
            stream_id,
            seq,
            position,
            type_name: new.type_name,
            kind: new.kind,
            created_at: new.created_at,
            causation_id: new.causation_id,
            correlation_id: new.correlation_id,
            metadata: new.metadata,
            decided_by: new.decided_by,
            payload: new.payload,
        }
    }

    /// The same message with its payload read, from an older shape if it was stored in one. It keeps the name under
    /// which it was stored.
    ///
    /// # Errors
    /// [`PayloadError::Decode`] when the payload is not an `M`, nor what an `M` was before.
    pub fn decode<M: MessageType>(&self) -> Result<Message<M>, PayloadError> {
        let payload = M::read(self.type_name.as_str(), &self.payload)?;
        Ok(self.envelope().with_payload(payload))
    }
}

/// A message on its way into a stream: everything but its place.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewMessage {
    /// Its name for ever; appending the same id again is recognised.
    pub id: MessageId,
    /// The stable name of its type.
    pub type_name: TypeName,
    /// Command or event.
    pub kind: Kind,
    /// When it was made.
    pub created_at: Timestamp,
    /// The message that led to this one; its own id when there is none.
    pub causation_id: MessageId,
    /// The conversation it belongs to.
    pub correlation_id: CorrelationId,
    /// Data about the message.
    pub metadata: Metadata,
    /// See [`Message::decided_by`].
    pub decided_by: Option<GroupId>,
    /// What it says.
    pub payload: Payload,
}

/// The same message on its way into another store.
impl From<StoredMessage> for NewMessage {
    fn from(message: StoredMessage) -> Self {
        Self {
            id: message.id,
            type_name: message.type_name,
            kind: message.kind,
            created_at: message.created_at,
            causation_id: message.causation_id,
            correlation_id: message.correlation_id,
            metadata: message.metadata,
            decided_by: message.decided_by,
            payload: message.payload,
        }
    }
}

impl NewMessage {
    /// A root message: its own cause, the start of a conversation.
    pub fn root(
        id: MessageId,
        created_at: Timestamp,
        type_name: TypeName,
        kind: Kind,
        payload: Payload,
    ) -> Self {
        Self {
            id,
            type_name,
            kind,
            created_at,
            causation_id: id,
            correlation_id: id.into(),
            metadata: Metadata::new(),
            decided_by: None,
            payload,
        }
    }

    /// The same message, led to by `cause`: it takes over its conversation, and its metadata beneath its own.
    #[must_use]
    pub fn caused_by<P>(mut self, cause: &Message<P>) -> Self {
        self.causation_id = cause.id;
        self.correlation_id = cause.correlation_id;
        self.metadata = cause.metadata.merged(self.metadata);
        self
    }
}
