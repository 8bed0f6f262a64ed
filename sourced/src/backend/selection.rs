//! Selections: which messages of the log are meant.

use crate::message::{CorrelationId, Kind, MessageType, Metadata, StoredMessage, TypeName};
use crate::stream::{Position, StreamId};
use crate::time::Timestamp;

/// Which messages of the log are meant: all of them, unless told otherwise. Every condition narrows it; the streams that
/// are named are alternatives, and so are the types.
///
/// ```
/// use sourced::{Kind, Position, Selection, StreamId};
///
/// let events_of_carts = Selection::all().stream_prefix("cart-").kind(Kind::Event);
/// let new_ones = events_of_carts.after(Position::new(1_000));
/// assert_eq!(new_ones.after, Position::new(1_000));
///
/// let two = Selection::all().stream(StreamId::new("cart-1")?).stream(StreamId::new("cart-2")?);
/// assert_eq!(two.streams.unwrap().len(), 2);
/// # Ok::<(), sourced::InvalidName>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Selection {
    /// Only messages of these streams.
    pub streams: Option<Vec<StreamId>>,
    /// Only messages of streams whose names begin like this.
    pub stream_prefix: Option<String>,
    /// Only messages of these types.
    pub types: Option<Vec<TypeName>>,
    /// Only commands, or only events.
    pub kind: Option<Kind>,
    /// Only messages of this conversation.
    pub correlation: Option<CorrelationId>,
    /// Only messages made at this time or later.
    pub since: Option<Timestamp>,
    /// Only messages made before this time.
    pub until: Option<Timestamp>,
    /// Only messages that have all of these entries, among others.
    pub metadata: Metadata,
    /// Only messages after this position.
    pub after: Position,
    /// Only messages up to this position, itself included; `None` is to the end.
    pub upto: Option<Position>,
}

/// Where a backend finds the messages of a [`Selection`]: the narrowest of its conditions that has an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'s> {
    /// Among all messages, by their positions.
    Log,
    /// In these streams.
    Streams(&'s [StreamId]),
    /// In this conversation.
    Conversation(CorrelationId),
}

impl Selection {
    /// The whole log.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only messages of this stream, and of others that are named like this.
    #[must_use]
    pub fn stream(self, stream: StreamId) -> Self {
        self.streams([stream])
    }

    /// Only messages of these streams, and of others that are named like this.
    #[must_use]
    pub fn streams(mut self, streams: impl IntoIterator<Item = StreamId>) -> Self {
        self.streams.get_or_insert_default().extend(streams);
        self
    }

    /// Only messages of streams whose names begin like this.
    #[must_use]
    pub fn stream_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.stream_prefix = Some(prefix.into());
        self
    }

    /// Only messages that are read as an `M`, under whichever of its names they are stored, and of other types that are
    /// named.
    #[must_use]
    pub fn of<M: MessageType>(self) -> Self {
        self.types(TypeName::all_of::<M>())
    }

    /// Only messages stored under these names, and of other types that are named.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = TypeName>) -> Self {
        self.types.get_or_insert_default().extend(types);
        self
    }

    /// Only commands, or only events.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only messages of one conversation: all that one root message has led to, and itself.
    #[must_use]
    pub fn correlation(mut self, id: CorrelationId) -> Self {
        self.correlation = Some(id);
        self
    }

    /// Only messages made at this time or later.
    ///
    /// The time is [`Message::created_at`](crate::Message::created_at): when a message was made, by the clock of the process
    /// that made it. It does not grow with the positions: clocks differ, a message is stored later than it is made, and a
    /// scheduled one much later. So no position is known to be the first of a day, and all of them are looked at.
    #[must_use]
    pub fn since(mut self, time: Timestamp) -> Self {
        self.since = Some(time);
        self
    }

    /// Only messages made before this time, by the same clock as [`Selection::since`].
    #[must_use]
    pub fn until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// Only messages that have this entry in their metadata, and all others that are named like this.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.metadata = self.metadata.with(key, value);
        self
    }

    /// Only messages after this position.
    #[must_use]
    pub fn after(mut self, position: Position) -> Self {
        self.after = position;
        self
    }

    /// Only messages up to this position, itself included.
    #[must_use]
    pub fn upto(mut self, position: Position) -> Self {
        self.upto = Some(position);
        self
    }

    /// Only messages before this position.
    #[must_use]
    pub fn before(self, position: Position) -> Self {
        self.upto(position.previous())
    }

    /// Whether a message is meant.
    pub fn contains(&self, message: &StoredMessage) -> bool {
        let streams = self.streams.as_ref();
        let prefix = self.stream_prefix.as_deref().unwrap_or_default();
        let types = self.types.as_ref();
        message.position > self.after
            && self.upto.is_none_or(|upto| message.position <= upto)
            && self.kind.is_none_or(|kind| message.kind == kind)
            && types.is_none_or(|types| types.contains(&message.type_name))
            && streams.is_none_or(|streams| streams.contains(&message.stream_id))
            && message.stream_id.as_str().starts_with(prefix)
            && self
                .correlation
                .is_none_or(|id| message.correlation_id == id)
            && self.since.is_none_or(|since| message.created_at >= since)
            && self.until.is_none_or(|until| message.created_at < until)
            && self
                .metadata
                .iter()
                .all(|(key, value)| message.metadata.get(key) == Some(value))
    }

    /// Where to look. For backends.
    pub fn source(&self) -> Source<'_> {
        match (&self.streams, self.correlation) {
            (Some(streams), _) => Source::Streams(streams),
            (None, Some(id)) => Source::Conversation(id),
            (None, None) => Source::Log,
        }
    }

    /// Whether every message between the two positions is meant. For backends.
    pub fn is_everything(&self) -> bool {
        let between = Self {
            after: self.after,
            upto: self.upto,
            ..Self::all()
        };
        *self == between
    }

    /// What the metadata of every message that is meant contains when it is written as JSON by `serde_json`. Others may
    /// contain it, too, deeper inside. For backends, which pass over the rest without reading it.
    pub fn metadata_texts(&self) -> Vec<String> {
        let entries = self.metadata.iter();
        let text = |(key, value): (&str, &serde_json::Value)| {
            format!("{}:{value}", serde_json::Value::from(key))
        };
        entries.map(text).collect()
    }
}
