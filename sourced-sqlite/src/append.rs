//! Appending inside the writer's transaction, for the store and for acknowledgements alike.

use std::collections::{HashMap, HashSet};

use sourced::backend::{AppendError, Appended, BackendError, Scheduled, StreamAppend};
use sourced::message::{Kind, MessageId, NewMessage};
use sourced::{ExpectedSeq, GroupId, Position, Seq, StreamId};
use sqlx::{Row as _, SqliteConnection};

use crate::error;
use crate::row::{self, kind_text, metadata_text, signed};
use crate::sql::{ROWS, Statements};

/// Appends to all streams. On an error, what it did until then is left to the savepoint around it.
///
/// There is no other writer, so everything is looked up first and nothing can change until it is written.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    sql: &Statements,
    appends: &[StreamAppend],
) -> Result<Vec<Appended>, AppendError> {
    let stored = already_stored(connection, sql, appends).await?;
    let first_stored = first_stored(appends, &stored)?;
    let mut messages = appends.iter().flat_map(|append| &append.messages);
    let is_retry = first_stored.is_some() && messages.all(|m| stored.contains_key(&m.id));
    let mut appended = Vec::new();
    for append in appends {
        let is_new = |message: &&NewMessage| !stored.contains_key(&message.id);
        let new: Vec<&NewMessage> = append.messages.iter().filter(is_new).collect();
        let is_guard = append.messages.is_empty() && append.expected != ExpectedSeq::Any;
        let mut placed = if new.is_empty() && (is_retry || !is_guard) {
            Vec::new()
        } else {
            // Another message of the same call was stored by an earlier one: this is no plain retry.
            if let Some(id) = first_stored
                && append.expected != ExpectedSeq::Any
            {
                return Err(AppendError::IdTaken { id });
            }
            append_new(connection, sql, append, &new).await?
        }
        .into_iter();
        appended.extend(append.messages.iter().filter_map(
            |message| match stored.get(&message.id) {
                Some((_, first)) => Some(first.clone()),
                None => placed.next(),
            },
        ));
    }
    Ok(appended)
}

/// Refuses what no look at the storage is needed for.
pub(crate) fn refuse_repetitions(
    appends: &[StreamAppend],
    later: &[Scheduled],
) -> Result<(), AppendError> {
    let mut streams = HashSet::new();
    let mut ids = HashSet::new();
    for append in appends {
        if !streams.insert(&append.stream) {
            let text = format!("stream `{}` is named twice in one append", append.stream);
            return Err(BackendError::Refused(text.into()).into());
        }
        for message in &append.messages {
            if !ids.insert(message.id) {
                return Err(AppendError::IdTaken { id: message.id });
            }
        }
    }
    let ids_of_later = later.iter().map(|scheduled| scheduled.message.id);
    match ids_of_later.into_iter().find(|id| !ids.insert(*id)) {
        Some(id) => Err(AppendError::IdTaken { id }),
        None => Ok(()),
    }
}

type Stored = HashMap<MessageId, (String, Appended)>;

/// The messages of the call that are in the log by now, with the name of their stream.
async fn already_stored(
    connection: &mut SqliteConnection,
    sql: &Statements,
    appends: &[StreamAppend],
) -> Result<Stored, BackendError> {
    let messages = || appends.iter().flat_map(|append| &append.messages);
    if messages().next().is_none() {
        return Ok(Stored::new());
    }
    let rows = sqlx::query(sql.find_ids.clone())
        .bind(json_of_ids(messages().map(|message| message.id)))
        .fetch_all(connection)
        .await
        .map_err(error::backend)?;
    rows.iter()
        .map(|row| {
            let appended = Appended {
                id: MessageId::from_uuid(row::uuid(row, 0)?),
                seq: seq(row::unsigned(row, 1)?)?,
                position: Position::new(row::unsigned(row, 2)?),
                already_stored: true,
            };
            let stream = row.try_get(3).map_err(error::backend)?;
            Ok((appended.id, (stream, appended)))
        })
        .collect()
}

/// The first message of the call that its stream already has.
fn first_stored(
    appends: &[StreamAppend],
    stored: &Stored,
) -> Result<Option<MessageId>, AppendError> {
    let mut first = None;
    for append in appends {
        for message in &append.messages {
            let Some((stream, _)) = stored.get(&message.id) else {
                continue;
            };
            if stream != append.stream.as_str() {
                return Err(AppendError::IdTaken { id: message.id });
            }
            first = first.or(Some(message.id));
        }
    }
    Ok(first)
}

/// What is known of a stream.
#[derive(Default)]
struct Stream {
    id: Option<i64>,
    last_seq: u64,
    last_event_seq: u64,
}

async fn append_new(
    connection: &mut SqliteConnection,
    sql: &Statements,
    append: &StreamAppend,
    new: &[&NewMessage],
) -> Result<Vec<Appended>, AppendError> {
    let mut stream = find_stream(connection, sql, &append.stream).await?;
    check_expected(append, &stream)?;
    if new.is_empty() {
        // Nobody else writes until this is committed.
        return Ok(Vec::new());
    }
    let first_seq = stream.last_seq + 1;
    for message in new {
        stream.last_seq += 1;
        if message.kind == Kind::Event {
            stream.last_event_seq = stream.last_seq;
        }
    }
    let stream_id = store_stream(connection, sql, &append.stream, &stream).await?;
    let positions = insert(connection, sql, stream_id, first_seq, new).await?;
    let seqs = first_seq..;
    let placed = new.iter().zip(seqs).zip(positions);
    placed
        .map(|((message, number), position)| {
            Ok(Appended {
                id: message.id,
                seq: seq(number)?,
                position: Position::new(position),
                already_stored: false,
            })
        })
        .collect()
}

async fn find_stream(
    connection: &mut SqliteConnection,
    sql: &Statements,
    name: &StreamId,
) -> Result<Stream, BackendError> {
    let row = sqlx::query(sql.find_stream.clone())
        .bind(name.as_str())
        .fetch_optional(connection)
        .await
        .map_err(error::backend)?;
    let Some(row) = row else {
        return Ok(Stream::default());
    };
    Ok(Stream {
        id: Some(row.try_get(0).map_err(error::backend)?),
        last_seq: row::unsigned(&row, 1)?,
        last_event_seq: row::unsigned(&row, 2)?,
    })
}

fn check_expected(append: &StreamAppend, stream: &Stream) -> Result<(), AppendError> {
    let last_seq = Seq::new(stream.last_seq);
    let last_event = Seq::new(stream.last_event_seq);
    let (is_right, actual) = match append.expected {
        ExpectedSeq::Any => return Ok(()),
        ExpectedSeq::NoStream => (last_seq.is_none(), last_seq),
        ExpectedSeq::Exactly(seq) => (last_seq == Some(seq), last_seq),
        // `None` is before every seq.
        ExpectedSeq::NoEventAfter(seq) => (last_event <= seq, last_event),
    };
    if is_right {
        return Ok(());
    }
    Err(AppendError::Conflict {
        stream: append.stream.clone(),
        expected: append.expected,
        actual,
    })
}

async fn store_stream(
    connection: &mut SqliteConnection,
    sql: &Statements,
    name: &StreamId,
    stream: &Stream,
) -> Result<i64, BackendError> {
    let last_seq = signed(stream.last_seq);
    let last_event_seq = signed(stream.last_event_seq);
    if let Some(id) = stream.id {
        sqlx::query(sql.update_stream.clone())
            .bind(id)
            .bind(last_seq)
            .bind(last_event_seq)
            .execute(connection)
            .await
            .map_err(error::backend)?;
        return Ok(id);
    }
    let row = sqlx::query(sql.insert_stream.clone())
        .bind(name.as_str())
        .bind(last_seq)
        .bind(last_event_seq)
        .fetch_one(connection)
        .await
        .map_err(error::backend)?;
    row.try_get(0).map_err(error::backend)
}

/// Inserts the messages, and returns their positions.
async fn insert(
    connection: &mut SqliteConnection,
    sql: &Statements,
    stream_id: i64,
    first_seq: u64,
    messages: &[&NewMessage],
) -> Result<Vec<u64>, BackendError> {
    let mut positions = Vec::with_capacity(messages.len());
    let mut numbers = first_seq..;
    let mut rest = messages;
    while !rest.is_empty() {
        let fits = |rows: &usize| *rows <= rest.len();
        let which = ROWS.iter().position(fits).unwrap_or(ROWS.len() - 1);
        let (chunk, after) = rest.split_at(ROWS[which]);
        rest = after;
        let mut query = sqlx::query(sql.insert_messages[which].clone());
        for (message, number) in chunk.iter().zip(&mut numbers) {
            query = query
                .bind(stream_id)
                .bind(signed(number))
                .bind(message.id.as_uuid().as_bytes().as_slice())
                .bind(kind_text(message.kind))
                .bind(message.type_name.as_str())
                .bind(message.decided_by.as_ref().map(GroupId::as_str))
                .bind(message.causation_id.as_uuid().into_bytes().to_vec())
                .bind(message.correlation_id.as_uuid().into_bytes().to_vec())
                .bind(message.created_at.as_micros())
                .bind(metadata_text(&message.metadata)?)
                .bind(message.payload.as_str());
        }
        let done = query.execute(&mut *connection).await;
        // Nobody else inserts in between, so the rowids of one statement follow each other.
        let last = done.map_err(error::backend)?.last_insert_rowid();
        let last = u64::try_from(last)
            .map_err(|_| BackendError::Corrupt("a negative position".to_owned()))?;
        positions.extend(last + 1 - chunk.len() as u64..=last);
    }
    Ok(positions)
}

fn seq(number: u64) -> Result<Seq, BackendError> {
    Seq::new(number).ok_or_else(|| BackendError::Corrupt("a seq of 0".to_owned()))
}

/// A list of ids as one parameter, which `unhex` makes bytes of again.
pub(crate) fn json_of_ids(ids: impl Iterator<Item = MessageId>) -> String {
    let ids: Vec<String> = ids.map(|id| id.as_uuid().simple().to_string()).collect();
    json(&ids)
}

/// A list as `json_each` reads it.
pub(crate) fn json<T: serde::Serialize>(list: &[T]) -> String {
    // Text and numbers can always be told in JSON.
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}
