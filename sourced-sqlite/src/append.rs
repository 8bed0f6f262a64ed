//! Appending: inside a transaction of the writer, or in one of their own for calls that are nothing but appends.

use std::collections::HashSet;

use sourced::backend::{AppendError, Appended, BackendError, Scheduled, StreamAppend};
use sourced::message::{MessageId, NewMessage};
use sourced::GroupId;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqlStr, SqliteConnection};

use crate::draft::{Draft, New};
use crate::error;
use crate::row::{kind_text, metadata_text, signed};
use crate::sql::{ROWS, Statements};

/// What one call appends, and what it is told.
pub(crate) type Call = Vec<StreamAppend>;
pub(crate) type Outcome = Result<Vec<Appended>, AppendError>;

/// Appends to all streams. On an error, what it did until then is left to the savepoint around it.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    sql: &Statements,
    appends: &[StreamAppend],
) -> Outcome {
    if appends.is_empty() {
        return Ok(Vec::new());
    }
    let rows = look_up(connection, sql.look_up.clone(), &[appends], Ids::LookUp).await?;
    let mut draft = Draft::of(&rows)?;
    let places = draft.add(appends)?;
    write(connection, sql, &draft, End::Open).await?;
    Ok(places)
}

/// Makes all calls inside a transaction that is open. Each is stored as a whole or refused.
pub(crate) async fn append_all(
    connection: &mut SqliteConnection,
    sql: &Statements,
    calls: &[&[StreamAppend]],
) -> Result<Vec<Outcome>, BackendError> {
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let rows = look_up(connection, sql.look_up.clone(), calls, Ids::LookUp).await?;
    let mut draft = Draft::of(&rows)?;
    let outcomes = draft.add_all(calls);
    write(connection, sql, &draft, End::Open).await?;
    Ok(outcomes)
}

/// Makes all calls in a transaction of their own. Each is stored as a whole or refused.
///
/// Every query is a round trip to the thread of the connection, so one begins and looks up, and another writes and
/// commits. Ids are nearly always new, which the index of ids finds out for nothing: only when it does not like one, or a
/// call is refused, the whole is done again with a look at the ids.
pub(crate) async fn commit(
    connection: &mut SqliteConnection,
    sql: &Statements,
    calls: &[&[StreamAppend]],
) -> Result<Vec<Outcome>, BackendError> {
    let rows = look_up(connection, sql.begin_looking.clone(), calls, Ids::AreNew).await?;
    let mut draft = Draft::of(&rows)?;
    let outcomes = draft.add_all(calls);
    if outcomes.iter().all(Result::is_ok) {
        match write(connection, sql, &draft, End::Commit).await {
            Err(error) if error::is_unique_violation(&error) => {}
            done => return done.map(|()| outcomes),
        }
    }
    let rows = look_up(connection, sql.begin_again.clone(), calls, Ids::LookUp).await?;
    let mut draft = Draft::of(&rows)?;
    let outcomes = draft.add_all(calls);
    write(connection, sql, &draft, End::Commit).await?;
    Ok(outcomes)
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

/// Whether to look which messages are stored already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ids {
    AreNew,
    LookUp,
}

/// What becomes of the transaction after the last statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Commit,
}

/// Looks up what the calls depend on.
async fn look_up(
    connection: &mut SqliteConnection,
    statement: SqlStr,
    calls: &[&[StreamAppend]],
    ids: Ids,
) -> Result<Vec<SqliteRow>, BackendError> {
    let appends = || calls.iter().copied().flatten();
    let names: HashSet<&str> = appends().map(|append| append.stream.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let messages = appends().flat_map(|append| &append.messages);
    let messages = messages.take(if ids == Ids::LookUp { usize::MAX } else { 0 });
    let rows = sqlx::query(statement)
        .bind(json(&names))
        .bind(json_of_ids(messages.map(|message| message.id)))
        .fetch_all(connection)
        .await;
    rows.map_err(error::backend)
}

/// Stores a draft: its streams with the first of its messages.
async fn write(
    connection: &mut SqliteConnection,
    sql: &Statements,
    draft: &Draft<'_>,
    end: End,
) -> Result<(), BackendError> {
    let mut rest = draft.messages();
    if rest.is_empty() {
        if end == End::Commit {
            let done = sqlx::query(sql.commit.clone()).execute(connection).await;
            done.map_err(error::backend)?;
        }
        return Ok(());
    }
    let mut streams = Some(json(&draft.changed_streams()));
    while !rest.is_empty() {
        let fits = |rows: &usize| *rows <= rest.len();
        let which = ROWS.iter().position(fits).unwrap_or(ROWS.len() - 1);
        let (chunk, after) = rest.split_at(ROWS[which]);
        rest = after;
        let is_last = rest.is_empty() && end == End::Commit;
        let text = sql.insert_messages(which, streams.is_some(), is_last);
        let mut query = sqlx::query(text);
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
