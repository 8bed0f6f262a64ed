//! Groups in global order: their one lane, and what becomes of it when their types change.

use std::collections::BTreeSet;

use sourced::Position;
use sourced::backend::{BackendError, Group, OrderError};
use sourced::message::TypeName;
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::error;
use crate::groups::number;
use crate::row::unsigned;
use crate::sql::Statements;
use crate::types::Known;

/// Makes the lane of a group that begins there.
pub(crate) async fn open(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: i64,
    start: i64,
) -> Result<(), BackendError> {
    let insert = sqlx::query(sql.insert_lane_of_log.clone())
        .bind(group)
        .bind(start);
    let done = insert.execute(connection).await;
    done.map(drop).map_err(error::backend)
}

/// Notes how far types were acknowledged, or refuses a change after which the order would not be that of the log.
pub(crate) async fn change(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &Group,
    known: &Known,
    wanted: &BTreeSet<String>,
) -> Result<(), BackendError> {
    let given_up: Vec<&String> = known.types.difference(wanted).collect();
    let taken_up: Vec<&String> = wanted.difference(&known.types).collect();
    let row = sqlx::query(sql.lane_of_log.clone())
        .bind(known.id)
        .fetch_one(&mut *connection)
        .await
        .map_err(error::backend)?;
    let acked = number(&row, 0)?;
    if acked > known.start {
        let (group, acked) = (group.id.clone(), Position::new(unsigned(&row, 0)?));
        if let Some(name) = given_up.first() {
            let type_name = type_name(name)?;
            return Err(OrderError::GivenUp {
                group,
                type_name,
                acked,
            }
            .into());
        }
        if let Some(name) = passed(connection, sql, known, &taken_up, &row).await? {
            let type_name = type_name(&name)?;
            return Err(OrderError::Passed {
                group,
                type_name,
                acked,
            }
            .into());
        }
    }
    let given_up = (json(&given_up), number(&row, 1)?);
    let taken_up = (json(&taken_up), 0);
    for (types, upto) in [given_up, taken_up] {
        sqlx::query(sql.insert_acked_types.clone())
            .bind(known.id)
            .bind(types)
            .bind(upto)
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    // What is pending of the new types may lie below where the pump is.
    let rewind = sqlx::query(sql.rewind_log.clone()).bind(known.id);
    let done = rewind.execute(connection).await;
    done.map(drop).map_err(error::backend)
}

/// The type of the first message that the lane has passed of these types.
async fn passed(
    connection: &mut SqliteConnection,
    sql: &Statements,
    known: &Known,
    types: &[&String],
    lane: &sqlx::sqlite::SqliteRow,
) -> Result<Option<String>, BackendError> {
    let row = sqlx::query(sql.passed.clone())
        .bind(known.start)
        .bind(number(lane, 0)?)
        .bind(json(types))
        .fetch_optional(connection)
        .await
        .map_err(error::backend)?;
    row.map(|row| row.try_get(0).map_err(error::backend))
        .transpose()
}

fn type_name(name: &str) -> Result<TypeName, BackendError> {
    TypeName::new(name).map_err(|_| BackendError::Corrupt("a type name".to_owned()))
}
