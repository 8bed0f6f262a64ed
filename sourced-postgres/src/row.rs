//! Rows: what comes out of the tables, checked, as values of the port.

use sourced::backend::BackendError;
use sourced::message::TypeName;
use sourced::{
    GroupId, Kind, Metadata, NewMessage, Payload, Position, Seq, StoredMessage, StreamId,
};
use sqlx::postgres::PgRow;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{ColumnIndex as _, Row as _};

use crate::error::backend_error;

/// Reads a column.
pub(crate) fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T, BackendError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(backend_error)
}

/// What the type of a message begins with whose payload was removed. No type of a message does, so no group handles it.
const REMOVED: char = '!';

/// Reads the messages of a result. It looks once where the columns are, and makes a name once as long as it comes again.
pub(crate) struct MessageReader {
    position: usize,
    seq: usize,
    streams: Streams,
    new: NewMessageReader,
}

/// Where the names of the streams come from.
enum Streams {
    One(StreamId),
    Each {
        column: usize,
        last: Option<StreamId>,
    },
}

impl MessageReader {
    /// For rows like this one, which have the message columns and `stream`.
    pub(crate) fn each(like: &PgRow) -> Result<Self, BackendError> {
        let streams = Streams::Each {
            column: ordinal(like, "stream")?,
            last: None,
        };
        Self::with(like, streams)
    }

    /// For rows like this one, which have the message columns, all of one stream.
    pub(crate) fn one(like: &PgRow, stream: StreamId) -> Result<Self, BackendError> {
        Self::with(like, Streams::One(stream))
    }

    fn with(like: &PgRow, streams: Streams) -> Result<Self, BackendError> {
        Ok(Self {
            position: ordinal(like, "position")?,
            seq: ordinal(like, "seq")?,
            streams,
            new: NewMessageReader::new(like)?,
        })
    }

    pub(crate) fn read(&mut self, row: &PgRow) -> Result<StoredMessage, BackendError> {
        let position = self.position_of(row)?;
        let stream = self.stream_of(row).map_err(|error| error.at(position))?;
        self.read_of(&stream, row)
    }

    fn stream_of(&mut self, row: &PgRow) -> Result<StreamId, BackendError> {
        let stream = match &mut self.streams {
            Streams::One(stream) => stream.clone(),
            Streams::Each { column, last } => {
                let name: &str = at(row, *column)?;
                match last {
                    Some(last) if last.as_str() == name => last.clone(),
                    _ => last.insert(stream(name)?).clone(),
                }
            }
        };
        Ok(stream)
    }

    fn position_of(&self, row: &PgRow) -> Result<Position, BackendError> {
        position(at(row, self.position)?)
    }

    /// Where the message of a row stands in its stream, be it readable or not.
    pub(crate) fn seq_of(&self, row: &PgRow) -> Result<i64, BackendError> {
        at(row, self.seq)
    }

    /// Reads a message of this stream, whatever the row says of it.
    pub(crate) fn read_of(
        &mut self,
        stream: &StreamId,
        row: &PgRow,
    ) -> Result<StoredMessage, BackendError> {
        let position = self.position_of(row)?;
        let message = self.message_at(position, stream.clone(), row);
        // Says where, and nothing of what is stored there.
        message.map_err(|error| error.at(position))
    }

    fn message_at(
        &mut self,
        position: Position,
        stream: StreamId,
        row: &PgRow,
    ) -> Result<StoredMessage, BackendError> {
        let seq = seq(at(row, self.seq)?)?;
        if at::<&str>(row, self.new.type_name)?.starts_with(REMOVED) {
            return Err(BackendError::Removed { stream, upto: seq });
        }
        let corrupt = |what: &str| BackendError::Corrupt(what.to_owned());
        let new = self.new.read(row, corrupt)?;
        Ok(StoredMessage::stored(new, stream, seq, position))
    }
}

impl MessageReader {
    fn read_all(&mut self, rows: &[PgRow]) -> Result<Vec<StoredMessage>, BackendError> {
        let mut messages = Vec::with_capacity(rows.len());
        let mut removed = None;
        for row in rows {
            match self.read(row) {
                // The last one is told, in whichever direction was read.
                Err(BackendError::Removed { stream, upto }) => {
                    removed = removed.max(Some((upto, stream)));
                }
                message => messages.push(message?),
            }
        }
        match removed {
            Some((upto, stream)) => Err(BackendError::Removed { stream, upto }),
            None => Ok(messages),
        }
    }
}

/// Reads the messages of rows that have the message columns, without their places.
pub(crate) struct NewMessageReader {
    id: usize,
    kind: usize,
    type_name: usize,
    causation_id: usize,
    correlation_id: usize,
    created_at: usize,
    decided_by: usize,
    metadata: usize,
    payload: usize,
    types: Vec<TypeName>,
    groups: Vec<GroupId>,
}

/// A result has few types and groups; what comes later than these is made each time.
const NAMES_KEPT: usize = 8;

impl NewMessageReader {
    pub(crate) fn new(like: &PgRow) -> Result<Self, BackendError> {
        Ok(Self {
            id: ordinal(like, "id")?,
            kind: ordinal(like, "kind")?,
            type_name: ordinal(like, "type")?,
            causation_id: ordinal(like, "causation_id")?,
            correlation_id: ordinal(like, "correlation_id")?,
            created_at: ordinal(like, "created_at")?,
            decided_by: ordinal(like, "decided_by")?,
            metadata: ordinal(like, "metadata")?,
            payload: ordinal(like, "payload")?,
            types: Vec::new(),
            groups: Vec::new(),
        })
    }

    pub(crate) fn read(
        &mut self,
        row: &PgRow,
        corrupt: impl Fn(&str) -> BackendError,
    ) -> Result<NewMessage, BackendError> {
        let id: Uuid = at(row, self.id)?;
        let type_name = known(&mut self.types, at(row, self.type_name)?, |name| {
            TypeName::new(name).map_err(|_| corrupt("a type name"))
        })?;
        let mut new = NewMessage::root(
            id.into(),
            at::<DateTime<Utc>>(row, self.created_at)?.into(),
            type_name,
            kind(at(row, self.kind)?).ok_or_else(|| corrupt("a kind"))?,
            Payload::from_storage(at::<&str>(row, self.payload)?),
        );
        new.causation_id = at::<Uuid>(row, self.causation_id)?.into();
        new.correlation_id = at::<Uuid>(row, self.correlation_id)?.into();
        if let Some(metadata) = at::<Option<&str>>(row, self.metadata)? {
            new.metadata =
                serde_json::from_str::<Metadata>(metadata).map_err(|_| corrupt("metadata"))?;
        }
        if let Some(group) = at::<Option<&str>>(row, self.decided_by)? {
            let group = known(&mut self.groups, group, |name| {
                GroupId::new(name).map_err(|_| corrupt("a group's name"))
            })?;
            new.decided_by = Some(group);
        }
        Ok(new)
    }
}

/// Finds a name that was made before, or makes it.
pub(crate) fn known<N: AsRef<str> + Clone>(
    names: &mut Vec<N>,
    name: &str,
    make: impl FnOnce(&str) -> Result<N, BackendError>,
) -> Result<N, BackendError> {
    if let Some(known) = names.iter().find(|known| (*known).as_ref() == name) {
        return Ok(known.clone());
    }
    let new = make(name)?;
    if names.len() < NAMES_KEPT {
        names.push(new.clone());
    }
    Ok(new)
}

/// Where a column is, for reading many rows.
pub(crate) fn ordinal(row: &PgRow, column: &str) -> Result<usize, BackendError> {
    column.index(row).map_err(backend_error)
}

/// Reads the column at this place.
pub(crate) fn at<'r, T>(row: &'r PgRow, column: usize) -> Result<T, BackendError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    // The types of the columns are those of our own tables: no need to compare them for every value.
    row.try_get_unchecked(column).map_err(backend_error)
}

/// Reads the messages of rows that have the message columns and `stream`.
pub(crate) fn messages(rows: &[PgRow]) -> Result<Vec<StoredMessage>, BackendError> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    MessageReader::each(first)?.read_all(rows)
}

/// Reads them one by one, as far as each can be read.
pub(crate) fn each_message(
    rows: &[PgRow],
) -> Result<Vec<Result<StoredMessage, BackendError>>, BackendError> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let mut messages = MessageReader::each(first)?;
    Ok(rows.iter().map(|row| messages.read(row)).collect())
}

/// Reads the messages of rows that have the message columns, all of one stream.
pub(crate) fn messages_of(
    stream: &StreamId,
    rows: &[PgRow],
) -> Result<Vec<StoredMessage>, BackendError> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    MessageReader::one(first, stream.clone())?.read_all(rows)
}

/// Reads the message of a single row that has the message columns and `stream`.
pub(crate) fn message(row: &PgRow) -> Result<StoredMessage, BackendError> {
    MessageReader::each(row)?.read(row)
}

/// Reads the message of a single row that has the message columns, without its place.
pub(crate) fn new_message(
    row: &PgRow,
    corrupt: impl Fn(&str) -> BackendError,
) -> Result<NewMessage, BackendError> {
    NewMessageReader::new(row)?.read(row, corrupt)
}

/// A kind as it is stored.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Command => "command",
        Kind::Event => "event",
    }
}

pub(crate) fn stream(name: &str) -> Result<StreamId, BackendError> {
    StreamId::new(name).map_err(|error| BackendError::Corrupt(error.to_string()))
}

pub(crate) fn group(name: &str) -> Result<GroupId, BackendError> {
    GroupId::new(name).map_err(|_| BackendError::Corrupt("a group's name".to_owned()))
}

pub(crate) fn seq(seq: i64) -> Result<Seq, BackendError> {
    u64::try_from(seq)
        .ok()
        .and_then(Seq::new)
        .ok_or_else(|| BackendError::Corrupt(format!("the seq {seq}")))
}

pub(crate) fn position(position: i64) -> Result<Position, BackendError> {
    Ok(Position::new(number(position)?))
}

/// A number that is never negative.
pub(crate) fn number<N: TryFrom<i64>>(number: i64) -> Result<N, BackendError> {
    N::try_from(number).map_err(|_| BackendError::Corrupt(format!("the number {number}")))
}

/// A number on its way into the database. What is larger than half of what it can hold is larger than anything in it, and
/// statements may add to a number.
pub(crate) fn clamped(number: impl TryInto<i64>) -> i64 {
    const LARGEST: i64 = i64::MAX / 2;
    number.try_into().unwrap_or(LARGEST).min(LARGEST)
}

/// Text for people to read: Postgres cannot store NUL.
pub(crate) fn readable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn kind(name: &str) -> Option<Kind> {
    match name {
        "command" => Some(Kind::Command),
        "event" => Some(Kind::Event),
        _ => None,
    }
}
