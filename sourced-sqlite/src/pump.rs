//! The pump: sorts the log into the lanes of the groups.

use std::time::Duration;

use sourced::GroupId;
use sourced::backend::{BackendError, GroupOrder, STRETCH};
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::error;
use crate::lanes::micros;
use crate::row::limit;
use crate::sql::Statements;
use crate::stretches::{self, Stretch};
use crate::types;

/// Messages of the log that one transaction sorts or looks at: a bound for how long others wait for the writer.
pub(crate) const BATCH: i64 = 5_000;

/// A claim that was made within that time is expected to end, rather than that its group goes on in lanes without it.
const SOON: Duration = Duration::from_secs(1);

/// What a claim would find in one group.
#[derive(Debug, Clone)]
pub(crate) struct Outlook {
    pub(crate) group_id: i64,
    pub(crate) group: GroupId,
    pub(crate) start: i64,
    pub(crate) order: GroupOrder,
    /// Everything up to here is sorted into lanes.
    pub(crate) hi: i64,
    pub(crate) log_end: i64,
    /// What is to be done about the log behind what is sorted into lanes.
    next: Next,
    /// A lane can be claimed.
    has_ready: bool,
    /// A delay is over, or a lease has ended.
    has_due: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// There is nothing, or it has to wait.
    Nothing,
    /// It is sorted into lanes.
    Sort,
    /// It is given in stretches.
    Give,
}

impl Outlook {
    /// Whether there is anything to write.
    pub(crate) fn has_work(&self) -> bool {
        self.is_behind() || self.has_ready || self.has_due
    }

    /// Whether the log is to be looked at behind what is sorted into lanes.
    pub(crate) fn is_behind(&self) -> bool {
        self.next != Next::Nothing
    }
}

/// What a group may be given, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'r> {
    /// Those of the groups that may be given stretches.
    pub(crate) stretches: &'r [GroupId],
    /// How long claims hold.
    pub(crate) lease: Duration,
    /// How many bytes a stretch has at most.
    pub(crate) bytes: usize,
}

/// Looks, and writes nothing.
pub(crate) async fn outlook(
    connection: &mut SqliteConnection,
    sql: &Statements,
    groups: &[GroupId],
    terms: Terms<'_>,
) -> Result<Vec<Outlook>, BackendError> {
    let names = |groups: &[GroupId]| json(&groups.iter().map(GroupId::as_str).collect::<Vec<_>>());
    let rows = sqlx::query(sql.outlook.clone())
        .bind(names(groups))
        .bind(names(terms.stretches))
        .bind(limit(STRETCH))
        .bind(micros(terms.lease.saturating_sub(SOON)))
        .fetch_all(connection)
        .await
        .map_err(error::backend)?;
    let mut found = Vec::with_capacity(groups.len());
    for row in &rows {
        let name: &str = row.try_get(1).map_err(error::backend)?;
        let is_behind: bool = row.try_get(3).map_err(error::backend)?;
        let next: &str = row.try_get(9).map_err(error::backend)?;
        found.push(Outlook {
            group_id: row.try_get(0).map_err(error::backend)?,
            group: GroupId::new(name)
                .map_err(|_| BackendError::Corrupt("a group's name".to_owned()))?,
            start: row.try_get(2).map_err(error::backend)?,
            next: match next {
                "sort" if is_behind => Next::Sort,
                "stretch" if is_behind => Next::Give,
                _ => Next::Nothing,
            },
            has_ready: row.try_get(4).map_err(error::backend)?,
            has_due: row.try_get(5).map_err(error::backend)?,
            order: types::order(row, 6)?,
            hi: row.try_get(7).map_err(error::backend)?,
            log_end: row.try_get(8).map_err(error::backend)?,
        });
    }
    let is_known = |group: &&GroupId| found.iter().any(|outlook| outlook.group == **group);
    match groups.iter().find(|group| !is_known(group)) {
        Some(unknown) => Err(BackendError::UnknownGroup(unknown.clone())),
        None => Ok(found),
    }
}

/// Wakes lanes of a group whose time has come, and moves one batch of the log into its lanes or finds its next stretch.
pub(crate) async fn pump(
    connection: &mut SqliteConnection,
    sql: &Statements,
    outlook: &Outlook,
    terms: Terms<'_>,
) -> Result<Option<Stretch>, BackendError> {
    if outlook.has_due {
        let wake = sqlx::query(sql.wake_due.clone()).bind(outlook.group_id);
        let done = wake.execute(&mut *connection).await;
        done.map_err(error::backend)?;
    }
    if !outlook.is_behind() {
        return Ok(None);
    }
    if terms.stretches.contains(&outlook.group) {
        // Somebody else may have been given the next one since the look.
        let group = std::slice::from_ref(&outlook.group);
        for now in self::outlook(&mut *connection, sql, group, terms).await? {
            match now.next {
                Next::Nothing => {}
                Next::Sort => sort_for(&mut *connection, sql, &now).await?,
                Next::Give => return stretches::next(connection, sql, &now, terms.bytes).await,
            }
        }
        return Ok(None);
    }
    sort_for(connection, sql, outlook).await?;
    Ok(None)
}

async fn sort_for(
    connection: &mut SqliteConnection,
    sql: &Statements,
    outlook: &Outlook,
) -> Result<(), BackendError> {
    let (group_id, start) = (outlook.group_id, outlook.start);
    let lanes = match outlook.order {
        GroupOrder::Global => Lanes::OfLog,
        GroupOrder::PerStream => Lanes::OfStreams { start },
    };
    sort(connection, sql, group_id, &outlook.group, lanes).await
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
    let given_back: Option<i64> = row.try_get(1).map_err(error::backend)?;
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
    let upto = given_back.map_or(upto, |end| upto.min(end));
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
    advance(&mut *connection, sql, group_id, upto).await?;
    stretches::take_back(connection, sql, group_id).await
}

/// Notes that nothing up to here has to be sorted any more.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group_id: i64,
    upto: i64,
) -> Result<(), BackendError> {
    let advance = sqlx::query(sql.advance_group.clone())
        .bind(group_id)
        .bind(upto);
    let done = advance.execute(connection).await;
    done.map(drop).map_err(error::backend)
}
