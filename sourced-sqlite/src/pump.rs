//! The pump: sorts the log into the lanes of the groups.

use sourced::GroupId;
use sourced::backend::{BackendError, GroupOrder};
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::error;
use crate::sql::Statements;
use crate::types;

/// Messages of the log that one transaction sorts: a bound for how long others wait for the writer.
const BATCH: i64 = 5_000;

/// What a claim would find in one group.
#[derive(Debug, Clone)]
pub(crate) struct Outlook {
    pub(crate) group_id: i64,
    pub(crate) group: GroupId,
    start: i64,
    order: GroupOrder,
    /// The log goes on behind what is sorted into lanes.
    pub(crate) is_behind: bool,
    /// A lane can be claimed.
    pub(crate) has_ready: bool,
    /// A delay is over, or a lease has ended.
    has_due: bool,
}

impl Outlook {
    /// Whether there is anything to write.
    pub(crate) fn has_work(&self) -> bool {
        self.is_behind || self.has_ready || self.has_due
    }
}

/// Looks, and writes nothing.
pub(crate) async fn outlook(
    connection: &mut SqliteConnection,
    sql: &Statements,
    groups: &[GroupId],
) -> Result<Vec<Outlook>, BackendError> {
    let names: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
    let rows = sqlx::query(sql.outlook.clone())
        .bind(json(&names))
        .fetch_all(connection)
        .await
        .map_err(error::backend)?;
    let mut found = Vec::with_capacity(groups.len());
    for row in &rows {
        let name: &str = row.try_get(1).map_err(error::backend)?;
        found.push(Outlook {
            group_id: row.try_get(0).map_err(error::backend)?,
            group: GroupId::new(name)
                .map_err(|_| BackendError::Corrupt("a group's name".to_owned()))?,
            start: row.try_get(2).map_err(error::backend)?,
            is_behind: row.try_get(3).map_err(error::backend)?,
            has_ready: row.try_get(4).map_err(error::backend)?,
            has_due: row.try_get(5).map_err(error::backend)?,
            order: types::order(row, 6)?,
        });
    }
    let is_known = |group: &&GroupId| found.iter().any(|outlook| outlook.group == **group);
    match groups.iter().find(|group| !is_known(group)) {
        Some(unknown) => Err(BackendError::UnknownGroup(unknown.clone())),
        None => Ok(found),
    }
}

/// Moves one batch of the log into the lanes of a group, and wakes its lanes whose time has come.
pub(crate) async fn pump(
    connection: &mut SqliteConnection,
    sql: &Statements,
    outlook: &Outlook,
) -> Result<(), BackendError> {
    if outlook.is_behind {
        let Outlook {
            group_id, start, ..
        } = *outlook;
        let lanes = match outlook.order {
            GroupOrder::Global => Lanes::OfLog,
            GroupOrder::PerStream => Lanes::OfStreams { start },
        };
        sort(connection, sql, group_id, &outlook.group, lanes).await?;
    }
    if outlook.has_due {
        let wake = sqlx::query(sql.wake_due.clone()).bind(outlook.group_id);
        wake.execute(connection).await.map_err(error::backend)?;
    }
    Ok(())
}

/// Where messages are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lanes {
    /// Into a lane per stream, of a group that begins there.
    OfStreams { start: i64 },
    /// Into the one of the whole log.
    OfLog,
}

/// Moves one batch of the log into the lanes of a group.
pub(crate) async fn sort(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group_id: i64,
    group: &GroupId,
    lanes: Lanes,
) -> Result<(), BackendError> {
    let row = sqlx::query(sql.group_hi.clone())
        .bind(group_id)
        .fetch_one(&mut *connection)
        .await
        .map_err(error::backend)?;
    let hi: i64 = row.try_get(0).map_err(error::backend)?;
    let row = sqlx::query(sql.pump_upto.clone())
        .bind(hi)
        .bind(BATCH)
        .fetch_one(&mut *connection)
        .await
        .map_err(error::backend)?;
    let upto: Option<i64> = row.try_get(0).map_err(error::backend)?;
    // Somebody else may have pumped since the look.
    let Some(upto) = upto else {
        return Ok(());
    };
    let bound = |statement: &sqlx::SqlStr| {
        let query = sqlx::query(statement.clone());
        query.bind(group_id).bind(hi).bind(upto)
    };
    let pump = match lanes {
        Lanes::OfStreams { start } => bound(&sql.pump).bind(start),
        Lanes::OfLog => bound(&sql.pump_log),
    };
    pump.bind(group.as_str())
        .execute(&mut *connection)
        .await
        .map_err(error::backend)?;
    sqlx::query(sql.advance_group.clone())
        .bind(group_id)
        .bind(upto)
        .execute(connection)
        .await
        .map_err(error::backend)?;
    Ok(())
}
