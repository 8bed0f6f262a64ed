//! Quarantine: what could not be handled, and what a person does about it.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{
    BackendError, Intervention, LaneFailure, Parked, Quarantine, QuarantineError, Remedy, bounded,
};
use sourced::message::{MessageId, TypeName};
use sourced::{GroupId, Position, Seq, StreamId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::groups::number;
use crate::row::{self, limit, optional_text, signed, unsigned};
use crate::sql::Statements;
use crate::{error, lanes, stretches};

#[async_trait]
impl Quarantine for Sqlite {
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        most: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        let sql = &self.inner.sql;
        let mut reader = self.reader().await?;
        let rows = sqlx::query(sql.parked.clone())
            .bind(group_id(&mut reader, sql, group).await?)
            .bind(after.map(StreamId::as_str))
            .bind(limit(most))
            .fetch_all(&mut *reader)
            .await
            .map_err(error::backend)?;
        let of_row = |row: &SqliteRow| {
            Ok(Parked {
                stream: stream(row, 9)?,
                attempts: attempts(row, 8)?,
                failure: failure(row, 0)?.ok_or_else(|| corrupt("a lane's failure"))?,
            })
        };
        rows.iter().map(of_row).collect()
    }

    async fn retry_parked(
        &self,
        group: &GroupId,
        stream: &StreamId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let sql = Arc::clone(&self.inner.sql);
        let (group, stream) = (group.clone(), stream.clone());
        let reason = bounded(reason).to_owned();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { retry(connection, &sql, &group, &stream, &reason).await })
            })
            .await?;
        self.inner.signal.raise();
        Ok(())
    }

    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let sql = Arc::clone(&self.inner.sql);
        let (group, stream) = (group.clone(), stream.clone());
        let reason = bounded(reason).to_owned();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    let lane = waiting(connection, &sql, &group, &stream).await?;
                    let first = lane.as_ref().and_then(|lane| lane.first);
                    match lane {
                        Some(lane) if first == Some(position) => {
                            Ok(skip(connection, &sql, &lane, &reason).await?)
                        }
                        _ => Err(QuarantineError::NotFirst {
                            group,
                            stream,
                            asked: position,
                            first,
                        }),
                    }
                })
            })
            .await?;
        self.inner.signal.raise();
        Ok(())
    }

    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        most: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        let sql = &self.inner.sql;
        let mut reader = self.reader().await?;
        let rows = sqlx::query(sql.interventions.clone())
            .bind(group_id(&mut reader, sql, group).await?)
            .bind(remedy_name(remedy))
            .bind(signed(after.unwrap_or(0)))
            .bind(limit(most))
            .fetch_all(&mut *reader)
            .await
            .map_err(error::backend)?;
        rows.iter().map(intervention).collect()
    }

    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError> {
        let sql = &self.inner.sql;
        let mut reader = self.reader().await?;
        let row = sqlx::query(sql.skip_of.clone())
            .bind(group_id(&mut reader, sql, group).await?)
            .bind(signed(position.get()))
            .fetch_optional(&mut *reader)
            .await
            .map_err(error::backend)?;
        row.as_ref().map(intervention).transpose()
    }
}

/// A lane, as somebody finds it who wants to intervene.
pub(crate) struct Waiting {
    id: i64,
    group_id: i64,
    first: Option<Position>,
    is_parked: bool,
    attempts: u32,
    failed: Option<Position>,
    error: Option<String>,
}

/// The lane of a group in a stream, whoever holds it.
async fn waiting(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &GroupId,
    stream: &StreamId,
) -> Result<Option<Waiting>, BackendError> {
    let group_id = group_id(connection, sql, group).await?;
    let row = sqlx::query(sql.waiting_lane.clone())
        .bind(group_id)
        .bind(stream.as_str())
        .fetch_optional(connection)
        .await
        .map_err(error::backend)?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Some(Waiting {
        id: number(&row, 0)?,
        group_id,
        first: position(&row, 1)?,
        is_parked: row.try_get(2).map_err(error::backend)?,
        attempts: attempts(&row, 3)?,
        failed: position(&row, 4)?,
        error: optional_text(&row, 5)?.map(str::to_owned),
    }))
}

/// Skips the first message of a held lane, whose handling has just failed with this error.
pub(crate) async fn skip_failed(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &GroupId,
    stream: &StreamId,
    text: &str,
) -> Result<(), BackendError> {
    let Some(mut lane) = waiting(connection, sql, group, stream).await? else {
        return Ok(());
    };
    lane.attempts = lane.attempts.saturating_add(1);
    lane.error = Some(text.to_owned());
    skip(connection, sql, &lane, text).await
}

/// Acknowledges the first message of a lane; who holds it is fenced by that.
async fn skip(
    connection: &mut SqliteConnection,
    sql: &Statements,
    lane: &Waiting,
    reason: &str,
) -> Result<(), BackendError> {
    let Some(first) = lane.first else {
        return Ok(());
    };
    record(connection, sql, Remedy::Skipped, lane, first, reason).await?;
    lanes::progress(connection, sql, lane.id, first).await?;
    stretches::take_back(connection, sql, lane.group_id).await
}

async fn retry(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &GroupId,
    stream: &StreamId,
    reason: &str,
) -> Result<(), QuarantineError> {
    let lane = waiting(connection, sql, group, stream).await?;
    let Some(lane) = lane.filter(|lane| lane.is_parked) else {
        return Err(QuarantineError::NotParked {
            group: group.clone(),
            stream: stream.clone(),
        });
    };
    if let Some(failed) = lane.failed {
        record(connection, sql, Remedy::Retried, &lane, failed, reason).await?;
    }
    let done = sqlx::query(sql.retry_parked.clone())
        .bind(lane.id)
        .execute(connection)
        .await;
    done.map(drop).map_err(|error| error::backend(error).into())
}

async fn record(
    connection: &mut SqliteConnection,
    sql: &Statements,
    remedy: Remedy,
    lane: &Waiting,
    position: Position,
    reason: &str,
) -> Result<(), BackendError> {
    let done = sqlx::query(sql.insert_intervention.clone())
        .bind(lane.group_id)
        .bind(remedy_name(remedy))
        .bind(signed(position.get()))
        .bind(i64::from(lane.attempts))
        .bind(lane.error.as_deref())
        .bind(reason)
        .execute(connection)
        .await;
    done.map(drop).map_err(error::backend)
}

pub(crate) async fn group_id(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &GroupId,
) -> Result<i64, BackendError> {
    let row = sqlx::query(sql.find_group.clone())
        .bind(group.as_str())
        .fetch_optional(connection)
        .await
        .map_err(error::backend)?
        .ok_or_else(|| BackendError::UnknownGroup(group.clone()))?;
    number(&row, 0)
}

/// Reads a lane's last failure from eight columns: the error, the message's position, seq, id and type, when the first and
/// the last attempt failed, and the message's stream.
pub(crate) fn failure(row: &SqliteRow, first: usize) -> Result<Option<LaneFailure>, BackendError> {
    let error = optional_text(row, first)?;
    let (Some(error), Some(position)) = (error, position(row, first + 1)?) else {
        return Ok(None);
    };
    Ok(Some(LaneFailure {
        stream: stream(row, first + 7)?,
        position,
        seq: seq(row, first + 2)?,
        message: MessageId::from_uuid(row::uuid(row, first + 3)?),
        type_name: type_name(row, first + 4)?,
        error: error.to_owned(),
        since: Timestamp::from_micros(number(row, first + 5)?),
        at: Timestamp::from_micros(number(row, first + 6)?),
    }))
}

fn intervention(row: &SqliteRow) -> Result<Intervention, BackendError> {
    let position = position(row, 4)?.ok_or_else(|| corrupt("a position"))?;
    Ok(Intervention {
        number: unsigned(row, 0)?,
        remedy: match optional_text(row, 1)? {
            Some("retried") => Remedy::Retried,
            _ => Remedy::Skipped,
        },
        stream: stream(row, 2)?,
        seq: seq(row, 3)?,
        position,
        message: MessageId::from_uuid(row::uuid(row, 5)?),
        type_name: type_name(row, 6)?,
        attempts: attempts(row, 7)?,
        error: optional_text(row, 8)?.map(str::to_owned),
        reason: row.try_get(9).map_err(error::backend)?,
        at: Timestamp::from_micros(number(row, 10)?),
    })
}

fn remedy_name(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Retried => "retried",
        Remedy::Skipped => "skipped",
    }
}

fn position(row: &SqliteRow, column: usize) -> Result<Option<Position>, BackendError> {
    let position: Option<i64> = row.try_get(column).map_err(error::backend)?;
    let position = position.map(u64::try_from).transpose();
    position
        .map(|position| position.map(Position::new))
        .map_err(|_| corrupt("a negative position"))
}

fn seq(row: &SqliteRow, column: usize) -> Result<Seq, BackendError> {
    Seq::new(unsigned(row, column)?).ok_or_else(|| corrupt("a seq"))
}

fn stream(row: &SqliteRow, column: usize) -> Result<StreamId, BackendError> {
    let name: &str = row.try_get(column).map_err(error::backend)?;
    StreamId::new(name).map_err(|_| corrupt("a stream's name"))
}

fn type_name(row: &SqliteRow, column: usize) -> Result<TypeName, BackendError> {
    let name: &str = row.try_get(column).map_err(error::backend)?;
    TypeName::new(name).map_err(|_| corrupt("a type name"))
}

fn attempts(row: &SqliteRow, column: usize) -> Result<u32, BackendError> {
    Ok(u32::try_from(unsigned(row, column)?).unwrap_or(u32::MAX))
}

fn corrupt(what: &str) -> BackendError {
    BackendError::Corrupt(what.to_owned())
}
