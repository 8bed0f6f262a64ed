//! Appending inside the writer's transaction.

use std::collections::HashSet;

use sourced::GroupId;
use sourced::backend::{AppendError, Appended, BackendError, Scheduled, StreamAppend};
use sourced::message::{MessageId, NewMessage};
use sqlx::SqliteConnection;

use crate::draft::{Draft, New};
use crate::error;
use crate::row::{kind_text, metadata_text, signed};
use crate::sql::{End, ROWS, Statements};
use crate::together::{self, Ids};

/// Appends to all streams. On an error, what it did until then is left to the savepoint around it.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    sql: &Statements,
    appends: &[StreamAppend],
) -> Result<Vec<Appended>, AppendError> {
    if appends.is_empty() {
        return Ok(Vec::new());
    }
    let row = together::look_up(
        connection,
        sql.look_up.clone(),
        appends,
        json::<()>(&[]),
        Ids::LookUp,
    )
    .await?;
    let mut draft = Draft::of(&row)?;
    let places = draft.add(appends)?;
    insert(connection, sql, &draft, End::Open).await?;
    Ok(places)
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

/// Stores the messages of a draft, their streams with the first of them, and ends the transaction with the last.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    sql: &Statements,
    draft: &Draft<'_>,
    end: End,
) -> Result<(), BackendError> {
    let mut streams = Some(json(&draft.changed_streams()));
    let mut rest = draft.messages();
    while !rest.is_empty() {
        let (which, chunk, after) = chunk(rest);
        rest = after;
        let end = if rest.is_empty() { end } else { End::Open };
        let mut query = sqlx::query(sql.insert_messages(which, streams.is_some(), end));
        if let Some(streams) = streams.take() {
            query = query.bind(streams);
        }
        for New {
            position,
            stream_id,
            seq,
            message,
        } in chunk
        {
            let NewMessage {
                id,
                causation_id,
                correlation_id,
                ..
            } = message;
            query = query
                .bind(signed(*position))
                .bind(stream_id)
                .bind(signed(*seq))
                .bind(id.as_uuid().into_bytes().to_vec())
                .bind(kind_text(message.kind))
                .bind(message.type_name.as_str())
                .bind(message.decided_by.as_ref().map(GroupId::as_str))
                .bind(causation_id.as_uuid().into_bytes().to_vec())
                .bind(correlation_id.as_uuid().into_bytes().to_vec())
                .bind(message.created_at.as_micros())
                .bind(metadata_text(&message.metadata)?)
                .bind(message.payload.as_str());
        }
        query
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    Ok(())
}

/// The first rows that go into one statement, which of [`ROWS`] that is, and the rest.
pub(crate) fn chunk<T>(rows: &[T]) -> (usize, &[T], &[T]) {
    let fits = |n: &usize| *n <= rows.len();
    let which = ROWS.iter().position(fits).unwrap_or(ROWS.len() - 1);
    let (chunk, rest) = rows.split_at(ROWS[which]);
    (which, chunk, rest)
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
