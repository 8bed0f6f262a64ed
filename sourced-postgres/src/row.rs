//! Rows: what comes out of the tables, checked, as values of the port.

use sourced::backend::BackendError;
use sourced::message::TypeName;
use sourced::{
    GroupId, Kind, Metadata, NewMessage, Payload, Position, Seq, StoredMessage, StreamId,
};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};

use crate::error::backend_error;

/// Reads a column.
pub(crate) fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T, BackendError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(backend_error)
}

/// Reads the message of a row that has the message columns and its `stream`.
pub(crate) fn message(row: &PgRow) -> Result<StoredMessage, BackendError> {
    let stream = stream(get(row, "stream")?)?;
    let seq = seq(get(row, "seq")?)?;
    let position = position(get(row, "position")?)?;
    let new = new_message(row, |what| {
        BackendError::Corrupt(format!("{what} at position {position}"))
    })?;
    Ok(StoredMessage::stored(new, stream, seq, position))
}

/// Reads the message of a row that has the message columns, without its place.
pub(crate) fn new_message(
    row: &PgRow,
    corrupt: impl Fn(&str) -> BackendError,
) -> Result<NewMessage, BackendError> {
    let id: Uuid = get(row, "id")?;
    let name: &str = get(row, "type")?;
    let mut new = NewMessage::root(
        id.into(),
        get::<DateTime<Utc>>(row, "created_at")?.into(),
        TypeName::new(name).map_err(|_| corrupt("a type name"))?,
        kind(get(row, "kind")?).ok_or_else(|| corrupt("a kind"))?,
        Payload::from_storage(get::<&str>(row, "payload")?),
    );
    new.causation_id = get::<Uuid>(row, "causation_id")?.into();
    new.correlation_id = get::<Uuid>(row, "correlation_id")?.into();
    if let Some(metadata) = get::<Option<&str>>(row, "metadata")? {
        new.metadata =
            serde_json::from_str::<Metadata>(metadata).map_err(|_| corrupt("metadata"))?;
    }
    if let Some(group) = get::<Option<&str>>(row, "decided_by")? {
        new.decided_by = Some(GroupId::new(group).map_err(|_| corrupt("a group's name"))?);
    }
    Ok(new)
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

/// A number on its way into the database; what is larger than it can hold is larger than anything in it.
pub(crate) fn clamped(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
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
