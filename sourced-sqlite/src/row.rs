//! From rows to messages.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use sourced::backend::BackendError;
use sourced::message::{CorrelationId, Kind, MessageId, Metadata, NewMessage, Payload, TypeName};
use sourced::{GroupId, Position, Seq, StoredMessage, StreamId, Timestamp};
use uuid::Uuid;

use crate::error;

/// What [`message`] reads, in this order; more columns may follow.
pub(crate) const COLUMNS: &str = "m.position, s.name, m.seq, m.id, m.kind, m.type, m.decided_by, m.causation_id, \
     m.correlation_id, m.created_at, m.metadata, m.payload";

/// The number of columns in [`COLUMNS`].
pub(crate) const COLUMN_COUNT: usize = 12;

/// What the type of a message begins with whose payload was removed. No type of a message does, so no group handles it.
pub(crate) const REMOVED: char = '!';

/// Reads one message.
pub(crate) fn message(row: &SqliteRow) -> Result<StoredMessage, BackendError> {
    MessageReader::default().read(row)
}

/// Reads messages, and makes a name once as long as it comes again.
#[derive(Default)]
pub(crate) struct MessageReader {
    stream: Option<StreamId>,
    types: Vec<TypeName>,
}

/// A result has few types; what comes later than these is made each time.
const NAMES_KEPT: usize = 8;

impl MessageReader {
    pub(crate) fn read(&mut self, row: &SqliteRow) -> Result<StoredMessage, BackendError> {
        let position = unsigned(row, 0)?;
        // Says where, and nothing of what is stored there.
        let corrupt = |what: &str| BackendError::Corrupt(format!("{what} at position {position}"));
        let text = |column: usize| row.try_get::<&str, _>(column).map_err(error::backend);

        let name = text(1)?;
        let stream = match &self.stream {
            Some(last) if last.as_str() == name => last.clone(),
            _ => {
                let stream = StreamId::new(name).map_err(|_| corrupt("a stream's name"))?;
                self.stream.insert(stream).clone()
            }
        };
        let seq = Seq::new(unsigned(row, 2)?).ok_or_else(|| corrupt("a seq"))?;
        let name = text(5)?;
        if name.starts_with(REMOVED) {
            return Err(BackendError::Removed { stream, upto: seq });
        }
        let known = self.types.iter().find(|known| known.as_str() == name);
        let new = match known {
            Some(known) => new_message_of(known.clone(), row, 3, corrupt)?,
            None => new_message(row, 3, corrupt)?,
        };
        if known.is_none() && self.types.len() < NAMES_KEPT {
            self.types.push(new.type_name.clone());
        }
        Ok(StoredMessage::stored(
            new,
            stream,
            seq,
            Position::new(position),
        ))
    }
}

/// Reads a message without its place: its id at column `first`, and the rest behind it in the order of [`COLUMNS`].
pub(crate) fn new_message(
    row: &SqliteRow,
    first: usize,
    corrupt: impl Fn(&str) -> BackendError,
) -> Result<NewMessage, BackendError> {
    let name: &str = row.try_get(first + 2).map_err(error::backend)?;
    let type_name = TypeName::new(name).map_err(|_| corrupt("a type name"))?;
    new_message_of(type_name, row, first, corrupt)
}

fn new_message_of(
    type_name: TypeName,
    row: &SqliteRow,
    first: usize,
    corrupt: impl Fn(&str) -> BackendError,
) -> Result<NewMessage, BackendError> {
    let text = |column: usize| {
        row.try_get::<&str, _>(first + column)
            .map_err(error::backend)
    };
    let kind = kind(text(1)?).ok_or_else(|| corrupt("a kind"))?;
    let created_at = row.try_get(first + 6).map_err(error::backend)?;
    let mut new = NewMessage::root(
        MessageId::from_uuid(uuid(row, first)?),
        Timestamp::from_micros(created_at),
        type_name,
        kind,
        Payload::from_storage(text(8)?),
    );
    new.causation_id = MessageId::from_uuid(uuid(row, first + 4)?);
    new.correlation_id = CorrelationId::from_uuid(uuid(row, first + 5)?);
    if let Some(group) = optional_text(row, first + 3)? {
        new.decided_by = Some(GroupId::new(group).map_err(|_| corrupt("a group's name"))?);
    }
    if let Some(metadata) = optional_text(row, first + 7)? {
        new.metadata = serde_json::from_str(metadata).map_err(|_| corrupt("metadata"))?;
    }
    Ok(new)
}

/// Reads a number that cannot be negative.
pub(crate) fn unsigned(row: &SqliteRow, column: usize) -> Result<u64, BackendError> {
    let number: i64 = row.try_get(column).map_err(error::backend)?;
    u64::try_from(number).map_err(|_| BackendError::Corrupt("a negative number".to_owned()))
}

/// Reads an id.
pub(crate) fn uuid(row: &SqliteRow, column: usize) -> Result<Uuid, BackendError> {
    let bytes: &[u8] = row.try_get(column).map_err(error::backend)?;
    Uuid::from_slice(bytes).map_err(|_| BackendError::Corrupt("an id without 16 bytes".to_owned()))
}

/// Reads text that may be missing.
pub(crate) fn optional_text(row: &SqliteRow, column: usize) -> Result<Option<&str>, BackendError> {
    row.try_get(column).map_err(error::backend)
}

/// Writes a number. SQLite's integers are signed; no seq, position or epoch gets near the end of them.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes a limit.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Writes metadata; none at all is the common case and takes no room.
pub(crate) fn metadata_text(metadata: &Metadata) -> Result<Option<String>, BackendError> {
    if metadata.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string(metadata);
    text.map(Some)
        .map_err(|error| BackendError::Refused(Box::new(error)))
}

/// Writes a kind.
pub(crate) fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Command => "command",
        Kind::Event => "event",
    }
}

fn kind(text: &str) -> Option<Kind> {
    match text {
        "command" => Some(Kind::Command),
        "event" => Some(Kind::Event),
        _ => None,
    }
}
