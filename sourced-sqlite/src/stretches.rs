//! Stretches of the log: claims of groups that are far behind.
//!
//! Who holds one stands in the group's lane of the stream 0. Whoever moves the pump or changes what is acknowledged takes it
//! back; then, as when it is given up, what it had is sorted into lanes.

use sourced::backend::{BackendError, STRETCH};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::error;
use crate::groups::number;
use crate::pump::{self, Outlook};
use crate::row::{limit, signed};
use crate::sql::Statements;

/// What a group can be given in one claim: from behind one position to another.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    group_id: i64,
    after: i64,
    upto: i64,
    is_replay: bool,
}

/// Finds the next stretch of a group, or moves on behind messages that are for others.
pub(crate) async fn next(
    connection: &mut SqliteConnection,
    sql: &Statements,
    outlook: &Outlook,
    bytes: usize,
) -> Result<Option<Stretch>, BackendError> {
    let (group_id, after) = (outlook.group_id, outlook.hi);
    let end = outlook.log_end.min(after + pump::BATCH);
    let row = sqlx::query(sql.next_stretch.clone())
        .bind(group_id)
        .bind(after)
        .bind(end)
        .bind(outlook.start)
        .bind(outlook.group.as_str())
        .bind(limit(STRETCH))
        .bind(limit(bytes))
        .fetch_one(&mut *connection)
        .await
        .map_err(error::backend)?;
    let (n_found, n_given) = (number(&row, 0)?, number(&row, 1)?);
    if n_found == 0 {
        pump::advance(connection, sql, group_id, end).await?;
        return Ok(None);
    }
    let has_more = n_given < n_found || n_found == limit(STRETCH);
    Ok(Some(Stretch {
        group_id,
        after,
        upto: if has_more { number(&row, 2)? } else { end },
        is_replay: row.try_get(3).map_err(error::backend)?,
    }))
}

/// The lane in which somebody is about to hold it.
pub(crate) async fn open(
    connection: &mut SqliteConnection,
    sql: &Statements,
    stretch: &Stretch,
) -> Result<i64, BackendError> {
    let row = sqlx::query(sql.open_stretch.clone())
        .bind(stretch.group_id)
        .bind(stretch.after)
        .bind(stretch.upto)
        .bind(stretch.is_replay)
        .fetch_one(connection)
        .await
        .map_err(error::backend)?;
    number(&row, 0)
}

/// The messages of the stretch that this lane holds.
pub(crate) async fn messages(
    connection: &mut SqliteConnection,
    sql: &Statements,
    lane: i64,
) -> Result<Vec<SqliteRow>, BackendError> {
    let query = sqlx::query(sql.deliveries_of_stretch.clone()).bind(lane);
    query.fetch_all(connection).await.map_err(error::backend)
}

/// Acknowledges the stretch that this lane holds up to this position, and gives it back.
pub(crate) async fn acknowledge(
    connection: &mut SqliteConnection,
    sql: &Statements,
    lane: i64,
    upto: u64,
) -> Result<(), BackendError> {
    let done = sqlx::query(sql.acknowledge_stretch.clone())
        .bind(lane)
        .bind(signed(upto))
        .execute(connection)
        .await;
    done.map(drop).map_err(error::backend)
}

/// Lets nobody acknowledge a stretch of the group that was given until now.
pub(crate) async fn take_back(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group_id: i64,
) -> Result<(), BackendError> {
    let query = sqlx::query(sql.take_back_stretch.clone()).bind(group_id);
    let done = query.execute(connection).await;
    done.map(drop).map_err(error::backend)
}
