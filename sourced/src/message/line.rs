//! A stored message as one line of JSON: for files and other stores.

use serde::{Deserialize, Serialize};

use super::{CorrelationId, Kind, MessageId, Metadata, Payload, PayloadError, StoredMessage};
use super::{NewMessage, TypeName};
use crate::stream::{GroupId, Position, Seq, StreamId};
use crate::time::Timestamp;

/// What stands in a line. The payload is text in it, so that not even its white space changes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    stream: StreamId,
    seq: Seq,
    position: Position,
    id: MessageId,
    kind: Kind,
    #[serde(rename = "type")]
    type_name: TypeName,
    created_at: Timestamp,
    causation_id: MessageId,
    correlation_id: CorrelationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided_by: Option<GroupId>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    metadata: Metadata,
    payload: String,
}

impl StoredMessage {
    /// The whole message as one line of JSON, without a line break: for an archive. [`StoredMessage::from_line`] reads it.
    ///
    /// ```
    /// # use sourced::{Kind, MessageId, NewMessage, Payload, Position, Seq, StoredMessage, StreamId, Timestamp, TypeName};
    /// # let new = NewMessage::root(MessageId::from_name("1"), Timestamp::from_micros(7), TypeName::new("door.opened")?, Kind::Event, Payload::parse("{\n}")?);
    /// # let message = StoredMessage::stored(new, StreamId::new("door-1")?, Seq::FIRST, Position::new(12));
    /// let line = message.to_line();
    /// assert!(!line.contains('\n'));
    /// assert_eq!(StoredMessage::from_line(&line)?, message);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// Never: text, numbers and metadata can be told in JSON.
    pub fn to_line(&self) -> String {
        let line = Line {
            stream: self.stream_id.clone(),
            seq: self.seq,
            position: self.position,
            id: self.id,
            kind: self.kind,
            type_name: self.type_name.clone(),
            created_at: self.created_at,
            causation_id: self.causation_id,
            correlation_id: self.correlation_id,
            decided_by: self.decided_by.clone(),
            metadata: self.metadata.clone(),
            payload: self.payload.as_str().to_owned(),
        };
        serde_json::to_string(&line).expect("a message can be told in JSON")
    }

    /// Reads what [`StoredMessage::to_line`] has written.
    ///
    /// # Errors
    /// [`PayloadError::Decode`] when the line is no message, or the payload in it is not JSON.
    pub fn from_line(line: &str) -> Result<Self, PayloadError> {
        let line: Line = serde_json::from_str(line).map_err(PayloadError::Decode)?;
        let new = NewMessage {
            id: line.id,
            type_name: line.type_name,
            kind: line.kind,
            created_at: line.created_at,
            causation_id: line.causation_id,
            correlation_id: line.correlation_id,
            metadata: line.metadata,
            decided_by: line.decided_by,
            payload: Payload::parse(&line.payload)?,
        };
        Ok(Self::stored(new, line.stream, line.seq, line.position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_every_byte() {
        let id = MessageId::from_name("a");
        let kind = Kind::Command;
        let name = TypeName::new("cart.add").unwrap();
        let at = Timestamp::from_micros(-1);
        let payload = Payload::parse(" {\"z\":-0.0,\n\"a\":\"\\u0000🛒\",\"z\":1} ").unwrap();
        let mut new = NewMessage::root(id, at, name, kind, payload);
        new.causation_id = MessageId::from_name("b");
        new.metadata = Metadata::new().with("who", "me");
        new.decided_by = Some(GroupId::new("cart").unwrap());
        let stream = StreamId::new("Straße \" 1").unwrap();
        let message = StoredMessage::stored(new, stream, Seq::FIRST, Position::new(u64::MAX));
        let line = message.to_line();
        assert!(!line.contains('\n'), "{line}");
        assert_eq!(StoredMessage::from_line(&line).unwrap(), message);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for line in ["", "{}", "[]", "{\"stream\":\"a\"}"] {
            assert!(StoredMessage::from_line(line).is_err(), "{line}");
        }
    }
}
