//! From rows to messages.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use sourced::backend::BackendError;
use sourced::message::{
    CorrelationId, InvalidTypeName, Kind, MessageId, Metadata, NewMessage, Payload, TypeName,
};
use sourced::{GroupId, InvalidName, Position, Seq, StoredMessage, StreamId, Timestamp};
use uuid::Uuid;

use crate::error;

/// What [`message`] reads, in this order; more columns may follow.
///
/// Every value of a row is copied and handed to another thread, which costs more than most of them hold: what is small
/// comes as the lines of one text. None of them has a line break, but for metadata that somebody has edited: they come last.
pub(crate) const COLUMNS: &str = "concat_ws(char(10), m.position, m.seq, m.kind, m.type, m.created_at, \
     hex(m.id), hex(m.causation_id), hex(m.correlation_id), s.name, \
     coalesce('=' || m.decided_by, ''), coalesce('=' || m.metadata, '')), \
     m.payload";

/// How many bytes a message has. SQLite knows that without reading them.
pub(crate) const SIZE: &str = "(octet_length(m.payload) + coalesce(octet_length(m.metadata), 0))";

/// The number of columns in [`COLUMNS`].
pub(crate) const COLUMN_COUNT: usize = 2;

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
        let lines: &[u8] = row.try_get_unchecked(0).map_err(error::backend)?;
        let position = position_in(lines)?;
        // Says where, and nothing of what is stored there.
        self.read_at(position, lines, row)
            .map_err(|error| error.at(position))
    }

    fn read_at(
        &mut self,
        position: Position,
        lines: &[u8],
        row: &SqliteRow,
    ) -> Result<StoredMessage, BackendError> {
        let corrupt = |what: &str| BackendError::Corrupt(what.to_owned());
        let lines = str::from_utf8(lines).map_err(|_| corrupt("text that is none"))?;
        let mut lines = lines.splitn(11, '\n').skip(1);
        let mut line = || lines.next().unwrap_or_default();
        let seq = line().parse().ok().and_then(Seq::new);
        let seq = seq.ok_or_else(|| corrupt("a seq"))?;
        let (kind, type_name, created_at) = (line(), line(), line());
        let mut id = || Uuid::try_parse(line()).map_err(|_| corrupt("an id without 16 bytes"));
        let ids = [id()?, id()?, id()?];
        let stream = self
            .stream(line())
            .map_err(|_| corrupt("a stream's name"))?;
        if type_name.starts_with(REMOVED) {
            return Err(BackendError::Removed { stream, upto: seq });
        }
        let parts = Parts {
            kind,
            type_name: self
                .type_name(type_name)
                .map_err(|_| corrupt("a type name"))?,
            created_at: created_at.parse().map_err(|_| corrupt("a time"))?,
            ids,
            decided_by: given(line()).map_err(|()| corrupt("a group's name"))?,
            metadata: given(line()).map_err(|()| corrupt("metadata"))?,
            payload: row.try_get(1).map_err(error::backend)?,
        };
        let new = parts.message(corrupt)?;
        Ok(StoredMessage::stored(new, stream, seq, position))
    }

    fn stream(&mut self, name: &str) -> Result<StreamId, InvalidName> {
        match &self.stream {
            Some(last) if last.as_str() == name => Ok(last.clone()),
            _ => Ok(self.stream.insert(StreamId::new(name)?).clone()),
        }
    }

    fn type_name(&mut self, name: &str) -> Result<TypeName, InvalidTypeName> {
        if let Some(known) = self.types.iter().find(|known| known.as_str() == name) {
            return Ok(known.clone());
        }
        let new = TypeName::new(name)?;
        if self.types.len() < NAMES_KEPT {
            self.types.push(new.clone());
        }
        Ok(new)
    }
}

/// The position in the first line.
fn position_in(lines: &[u8]) -> Result<Position, BackendError> {
    let line = lines.split(|byte| *byte == b'\n').next();
    let position = line.and_then(|line| str::from_utf8(line).ok()?.parse().ok());
    position.map(Position::new).ok_or_else(corrupt_number)
}

/// What stands in a line that may be empty where there is nothing.
fn given(line: &str) -> Result<Option<&str>, ()> {
    match line.strip_prefix('=') {
        None if !line.is_empty() => Err(()),
        given => Ok(given),
    }
}

/// What a message is made of, but for its place.
struct Parts<'r> {
    kind: &'r str,
    type_name: TypeName,
    created_at: i64,
    /// Its own, its cause's and that of its conversation.
    ids: [Uuid; 3],
    decided_by: Option<&'r str>,
    metadata: Option<&'r str>,
    payload: &'r str,
}

impl Parts<'_> {
    fn message(self, corrupt: impl Fn(&str) -> BackendError) -> Result<NewMessage, BackendError> {
        let [id, causation_id, correlation_id] = self.ids;
        let mut new = NewMessage::root(
            MessageId::from_uuid(id),
            Timestamp::from_micros(self.created_at),
            self.type_name,
            kind(self.kind).ok_or_else(|| corrupt("a kind"))?,
            Payload::from_storage(self.payload),
        );
        new.causation_id = MessageId::from_uuid(causation_id);
        new.correlation_id = CorrelationId::from_uuid(correlation_id);
        if let Some(group) = self.decided_by {
            new.decided_by = Some(GroupId::new(group).map_err(|_| corrupt("a group's name"))?);
        }
        if let Some(metadata) = self.metadata {
            new.metadata = serde_json::from_str(metadata).map_err(|_| corrupt("metadata"))?;
        }
        Ok(new)
    }
}

/// Reads a message without its place, a column for each of its parts: its id at column `first`, behind it its kind, type,
/// `decided_by`, the other ids, when it was made, its metadata and its payload.
pub(crate) fn new_message(
    row: &SqliteRow,
    first: usize,
    corrupt: impl Fn(&str) -> BackendError,
) -> Result<NewMessage, BackendError> {
    let text = |column: usize| {
        row.try_get::<&str, _>(first + column)
            .map_err(error::backend)
    };
    let parts = Parts {
        kind: text(1)?,
        type_name: TypeName::new(text(2)?).map_err(|_| corrupt("a type name"))?,
        created_at: row.try_get(first + 6).map_err(error::backend)?,
        ids: [
            uuid(row, first)?,
            uuid(row, first + 4)?,
            uuid(row, first + 5)?,
        ],
        decided_by: optional_text(row, first + 3)?,
        metadata: optional_text(row, first + 7)?,
        payload: text(8)?,
    };
    parts.message(corrupt)
}

/// Reads a number that cannot be negative.
pub(crate) fn unsigned(row: &SqliteRow, column: usize) -> Result<u64, BackendError> {
    let number: i64 = row.try_get(column).map_err(error::backend)?;
    u64::try_from(number).map_err(|_| corrupt_number())
}

fn corrupt_number() -> BackendError {
    BackendError::Corrupt("a negative number".to_owned())
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

/// Writes a number. SQLite's integers are signed; no seq, position or epoch gets near the end of them. What is larger than
/// half of that is larger than anything stored, and statements may add to a number.
pub(crate) fn signed(number: u64) -> i64 {
    const LARGEST: i64 = i64::MAX / 2;
    i64::try_from(number).unwrap_or(LARGEST).min(LARGEST)
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
