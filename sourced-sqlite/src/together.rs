//! What many callers want to be stored, in one transaction.
//!
//! Every query is a round trip to the thread of the connection, and every row and statement of it may wake somebody up. So
//! one query looks everything up, and few others write it, however many the callers are. Nobody needs a savepoint: who is
//! refused is so before anything is written.

use std::collections::HashSet;

use sourced::backend::{AckError, BackendError, StreamAppend};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqlStr, SqliteConnection};

use crate::append::{self, json, json_of_ids};
use crate::draft::{Draft, Outcome, Plain, Progress};
use crate::error;
use crate::lanes;
use crate::sql::{End, Statements};
use crate::stretches;

/// Whether to look which messages are stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    AreNew,
    LookUp,
}

/// Stores what can be stored, in a transaction of its own.
///
/// Ids are nearly always new, which their index finds out for nothing: only when it does not like one, or an append is
/// refused, everything is worked out again with a look at the ids.
pub(crate) async fn commit(
    connection: &mut SqliteConnection,
    sql: &Statements,
    all: &[&Plain],
) -> Result<Vec<Outcome>, BackendError> {
    let row = look_up_all(connection, sql.begin_looking.clone(), all, Ids::AreNew).await?;
    let mut draft = Draft::of(&row)?;
    let outcomes = draft.add_all(all);
    let is_refused = |outcome: &Outcome| matches!(outcome, Err(AckError::Append(_)));
    if !outcomes.iter().any(is_refused) {
        match write(connection, sql, &draft, End::Commit).await {
            Err(error) if error::is_unique_violation(&error) => {}
            done => return done.map(|()| outcomes),
        }
    }
    let row = look_up_all(connection, sql.begin_again.clone(), all, Ids::LookUp).await?;
    let mut draft = Draft::of(&row)?;
    let outcomes = draft.add_all(all);
    write(connection, sql, &draft, End::Commit).await?;
    Ok(outcomes)
}

/// Stores what can be stored, in a transaction that goes on.
pub(crate) async fn store(
    connection: &mut SqliteConnection,
    sql: &Statements,
    all: &[&Plain],
) -> Result<Vec<Outcome>, BackendError> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let row = look_up_all(connection, sql.look_up.clone(), all, Ids::LookUp).await?;
    let mut draft = Draft::of(&row)?;
    let outcomes = draft.add_all(all);
    write(connection, sql, &draft, End::Open).await?;
    Ok(outcomes)
}

/// Looks up what claims depend on.
pub(crate) async fn look_up_claims(
    connection: &mut SqliteConnection,
    sql: &Statements,
    all: &[&Plain],
) -> Result<SqliteRow, BackendError> {
    look_up_all(connection, sql.look_up.clone(), all, Ids::AreNew).await
}

async fn look_up_all(
    connection: &mut SqliteConnection,
    statement: SqlStr,
    all: &[&Plain],
    ids: Ids,
) -> Result<SqliteRow, BackendError> {
    let appends = all.iter().flat_map(|plain| &plain.appends);
    let claims = all.iter().map(|plain| {
        let Progress { claim, .. } = plain.progress.as_ref()?;
        let worker = claim.worker.as_uuid().simple().to_string();
        Some((&claim.group, &claim.stream, worker, claim.epoch.get()))
    });
    let claims: Vec<_> = claims.collect();
    look_up(connection, statement, appends, json(&claims), ids).await
}

/// Looks up what appends, and the claims of a list, depend on.
pub(crate) async fn look_up<'a>(
    connection: &mut SqliteConnection,
    statement: SqlStr,
    appends: impl IntoIterator<Item = &'a StreamAppend> + Clone,
    claims: String,
    ids: Ids,
) -> Result<SqliteRow, BackendError> {
    let names: HashSet<&str> = appends
        .clone()
        .into_iter()
        .map(|append| append.stream.as_str())
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let messages = appends.into_iter().flat_map(|append| &append.messages);
    let messages = messages.filter(|_| ids == Ids::LookUp);
    let row = sqlx::query(statement)
        .bind(json(&names))
        .bind(json_of_ids(messages.map(|message| message.id)))
        .bind(claims)
        .fetch_one(connection)
        .await;
    row.map_err(error::backend)
}

/// Writes what was worked out.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    sql: &Statements,
    draft: &Draft<'_>,
    end: End,
) -> Result<(), BackendError> {
    if !draft.progress().is_empty() || !draft.stretches().is_empty() {
        append::insert(connection, sql, draft, End::Open).await?;
        for refusal in draft.refusals() {
            lanes::refuse(connection, sql, std::slice::from_ref(*refusal)).await?;
        }
        write_documents(connection, sql, draft).await?;
        for (lane, upto) in draft.stretches() {
            stretches::acknowledge(connection, sql, *lane, *upto).await?;
        }
        let settle = match end {
            End::Open => &sql.acknowledge,
            End::Commit => &sql.acknowledge_and_commit,
        };
        let done = sqlx::query(settle.clone())
            .bind(json(draft.progress()))
            .execute(connection);
        return done.await.map(drop).map_err(error::backend);
    }
    if !draft.messages().is_empty() {
        return append::insert(connection, sql, draft, end).await;
    }
    if end == End::Commit {
        let done = sqlx::query(sql.commit.clone()).execute(connection).await;
        done.map_err(error::backend)?;
    }
    Ok(())
}

async fn write_documents(
    connection: &mut SqliteConnection,
    sql: &Statements,
    draft: &Draft<'_>,
) -> Result<(), BackendError> {
    let mut puts = Vec::with_capacity(draft.documents().len());
    for ((collection, key), value) in draft.documents() {
        if let Some(value) = value {
            puts.push((collection, key, value));
            continue;
        }
        let delete = sqlx::query(sql.delete_document.clone())
            .bind(collection)
            .bind(key);
        let done = delete.execute(&mut *connection).await;
        done.map_err(error::backend)?;
    }
    let mut rest = &*puts;
    while !rest.is_empty() {
        let (which, chunk, after) = append::chunk(rest);
        rest = after;
        let mut query = sqlx::query(sql.put_documents[which].clone());
        for (collection, key, value) in chunk {
            query = query.bind(*collection).bind(*key).bind(value.as_str());
        }
        query
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    Ok(())
}
