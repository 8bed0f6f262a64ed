//! The messages of lanes that were just claimed.

use std::collections::{HashMap, HashSet};

use sourced::backend::{BackendError, ClaimRequest, Delivery};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::error;
use crate::lanes::{Kind, Taken};
use crate::row::{COLUMN_COUNT, MessageReader, limit};
use crate::sql::Statements;
use crate::stretches;

/// By lane, each with its mark of a replay. What cannot be read is the lane's own trouble.
pub(crate) type Deliveries = HashMap<i64, Result<Vec<Delivery>, BackendError>>;

/// The next messages of lanes just claimed.
pub(crate) async fn of_lanes(
    connection: &mut SqliteConnection,
    sql: &Statements,
    taken: &[Taken],
    request: &ClaimRequest,
) -> Result<Deliveries, BackendError> {
    let ids = |kind: Kind| {
        let lanes = taken.iter().filter(move |lane| lane.kind == kind);
        lanes.map(|lane| lane.id).collect::<Vec<i64>>()
    };
    let mut deliveries = Deliveries::new();
    for (statement, kind) in [
        (&sql.deliveries, Kind::Stream),
        (&sql.deliveries_of_log, Kind::Log),
    ] {
        let ids = ids(kind);
        if ids.is_empty() {
            continue;
        }
        let query = sqlx::query(statement.clone())
            .bind(json(&ids))
            .bind(limit(request.messages_per_lane.max(1)))
            .bind(limit(request.bytes));
        let rows = query.fetch_all(&mut *connection).await;
        read(&rows.map_err(error::backend)?, &mut deliveries)?;
    }
    for lane in ids(Kind::Stretch) {
        let rows = stretches::messages(connection, sql, lane).await?;
        read(&rows, &mut deliveries)?;
    }
    Ok(deliveries)
}

fn read(rows: &[SqliteRow], deliveries: &mut Deliveries) -> Result<(), BackendError> {
    let mut damaged = HashSet::new();
    let mut messages = MessageReader::default();
    for row in rows {
        let lane: i64 = row.try_get(COLUMN_COUNT).map_err(error::backend)?;
        // What comes before the damage is still delivered, what comes after it has to wait.
        if damaged.contains(&lane) {
            continue;
        }
        let replaying: bool = row.try_get(COLUMN_COUNT + 1).map_err(error::backend)?;
        let of_lane = deliveries.entry(lane).or_insert(Ok(Vec::new()));
        match (messages.read(row), of_lane) {
            (Ok(message), Ok(list)) => list.push(Delivery { message, replaying }),
            (Err(error), of_lane) => {
                damaged.insert(lane);
                if of_lane.as_ref().is_ok_and(Vec::is_empty) {
                    *of_lane = Err(error);
                }
            }
            (Ok(_), Err(_)) => {}
        }
    }
    Ok(())
}
