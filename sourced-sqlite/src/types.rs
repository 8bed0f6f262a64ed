//! The types a group handles, and what becomes of its lanes when they change.

use std::collections::BTreeSet;

use sourced::backend::{BackendError, Group, GroupOrder, OrderError, StartFrom};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::error;
use crate::global_order;
use crate::groups::{before, number};
use crate::pump;
use crate::row::signed;
use crate::sql::Statements;

/// Whether registering has to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registered {
    Done,
    /// The log has to be sorted first: a type is given up where the pump is.
    NotYet,
}

/// A group as it is registered.
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) start: i64,
    pub(crate) types: BTreeSet<String>,
    hi: i64,
    order: GroupOrder,
}

/// Whether the group handles just these types already.
pub(crate) async fn are_known(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &Group,
) -> Result<bool, BackendError> {
    let known = find(connection, sql, group.id.as_str()).await?;
    Ok(known.is_some_and(|known| known.order == group.order && known.types == types(group)))
}

/// Makes a group known, or changes its types.
pub(crate) async fn register(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &Group,
) -> Result<Registered, BackendError> {
    let wanted = types(group);
    let Some(known) = find(connection, sql, group.id.as_str()).await? else {
        let start = match group.start_from {
            StartFrom::Beginning => 0,
            StartFrom::Now => end(connection, sql).await?,
            StartFrom::After(position) => signed(position.get()),
            StartFrom::Since(time) => before(connection, sql, time).await?,
        };
        let row = sqlx::query(sql.insert_group.clone())
            .bind(group.id.as_str())
            .bind(start)
            .bind(group.order == GroupOrder::Global)
            .fetch_one(&mut *connection)
            .await
            .map_err(error::backend)?;
        let id = number(&row, 0)?;
        if group.order == GroupOrder::Global {
            global_order::open(connection, sql, id, start).await?;
        }
        store(connection, sql, id, &wanted).await?;
        return Ok(Registered::Done);
    };
    if known.order != group.order {
        return Err(BackendError::from(OrderError::Other {
            group: group.id.clone(),
            known: known.order,
            asked: group.order,
        }));
    }
    if known.types == wanted {
        return Ok(Registered::Done);
    }
    if group.order == GroupOrder::Global {
        global_order::change(connection, sql, group, &known, &wanted).await?;
        store(connection, sql, known.id, &wanted).await?;
        let fence = sqlx::query(sql.fence_group.clone()).bind(known.id);
        fence.execute(connection).await.map_err(error::backend)?;
        return Ok(Registered::Done);
    }
    if known.hi < end(connection, sql).await? {
        let lanes = pump::Lanes::OfStreams { start: known.start };
        pump::sort(connection, sql, known.id, &group.id, lanes).await?;
        return Ok(Registered::NotYet);
    }
    change(connection, sql, group, &known, &wanted).await?;
    Ok(Registered::Done)
}

/// Changes the types of a group into whose lanes the whole log is sorted.
async fn change(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &Group,
    known: &Known,
    wanted: &BTreeSet<String>,
) -> Result<(), BackendError> {
    let name = group.id.as_str();
    let given_up: Vec<_> = known.types.difference(wanted).collect();
    let taken_up: Vec<_> = wanted.difference(&known.types).collect();
    let (given_up, taken_up) = (json(&given_up), json(&taken_up));
    let id = known.id;
    let query = |statement: &sqlx::SqlStr| sqlx::query(statement.clone()).bind(id);
    store(connection, sql, id, wanted).await?;
    for step in [
        query(&sql.insert_given_up).bind(&given_up),
        query(&sql.give_up).bind(name).bind(&given_up),
        query(&sql.take_up)
            .bind(name)
            .bind(&taken_up)
            .bind(known.start),
        query(&sql.rewind_group).bind(&taken_up).bind(known.start),
        query(&sql.delete_given_up).bind(&taken_up),
        query(&sql.owes),
        query(&sql.fence_group),
        query(&sql.take_back_stretch),
    ] {
        step.execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    Ok(())
}

fn types(group: &Group) -> BTreeSet<String> {
    let names = group.types.iter().map(|name| name.as_str().to_owned());
    names.collect()
}

async fn find(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &str,
) -> Result<Option<Known>, BackendError> {
    let row = sqlx::query(sql.find_group.clone())
        .bind(group)
        .fetch_optional(&mut *connection)
        .await
        .map_err(error::backend)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let id = number(&row, 0)?;
    let rows = sqlx::query(sql.group_types.clone())
        .bind(id)
        .fetch_all(connection)
        .await
        .map_err(error::backend)?;
    let types = rows.iter().map(|row| row.try_get(0));
    Ok(Some(Known {
        id,
        start: number(&row, 1)?,
        hi: number(&row, 2)?,
        order: order(&row, 3)?,
        types: types.collect::<Result<_, _>>().map_err(error::backend)?,
    }))
}

/// Reads the order of a group.
pub(crate) fn order(row: &SqliteRow, column: usize) -> Result<GroupOrder, BackendError> {
    let is_global: bool = row.try_get(column).map_err(error::backend)?;
    Ok(if is_global {
        GroupOrder::Global
    } else {
        GroupOrder::PerStream
    })
}

async fn store(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: i64,
    types: &BTreeSet<String>,
) -> Result<(), BackendError> {
    let types: Vec<_> = types.iter().collect();
    for step in [
        sqlx::query(sql.delete_types.clone()).bind(group),
        sqlx::query(sql.insert_types.clone())
            .bind(group)
            .bind(json(&types)),
    ] {
        step.execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    Ok(())
}

async fn end(connection: &mut SqliteConnection, sql: &Statements) -> Result<i64, BackendError> {
    let row = sqlx::query(sql.log_end.clone()).fetch_one(connection).await;
    number(&row.map_err(error::backend)?, 0)
}
