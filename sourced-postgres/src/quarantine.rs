//! Quarantine: what could not be handled, and what a person does about it.

use async_trait::async_trait;
use sourced::backend::{
    BackendError, ClaimKey, Intervention, LaneFailure, Parked, Quarantine, QuarantineError, Remedy,
    bounded,
};
use sourced::message::TypeName;
use sourced::{GroupId, Position, StreamId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};

use crate::backend::{Attempt, Postgres, retrying};
use crate::row::{clamped, get, number, position, readable, seq, stream};
use crate::sql::Sql;

#[async_trait]
impl Quarantine for Postgres {
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        let rows = retrying!(self, connection => self.inner.sql.parked.query()
            .bind(group.as_str())
            .bind(after.map(StreamId::as_str))
            .bind(clamped(limit))
            .fetch_all(&mut *connection)
            .await)?;
        self.known_if_empty(group, rows.len()).await?;
        let of_row = |row: &PgRow| {
            let failure = failure(row)?;
            let corrupt = || BackendError::Corrupt("a lane's failure".to_owned());
            Ok(Parked {
                stream: stream(get(row, "stream")?)?,
                attempts: number(get::<i32>(row, "attempts")?.into())?,
                failure: failure.ok_or_else(corrupt)?,
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
        let outcome: String = retrying!(self, connection =>
            self.inner.sql.retry_parked.query_scalar()
                .bind(group.as_str())
                .bind(stream.as_str())
                .bind(readable(bounded(reason)))
                .fetch_one(&mut *connection)
                .await)
        .map_err(BackendError::from)?;
        match outcome.as_str() {
            "done" => {
                self.inner.hints.raise();
                Ok(())
            }
            "unknown" => Err(BackendError::UnknownGroup(group.clone()).into()),
            _ => Err(QuarantineError::NotParked {
                group: group.clone(),
                stream: stream.clone(),
            }),
        }
    }

    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        asked: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        loop {
            let (outcome, first): (String, Option<i64>) = retrying!(self, connection =>
                self.inner.sql.skip.query_as()
                    .bind(group.as_str())
                    .bind(stream.as_str())
                    .bind(clamped(asked.get()))
                    .bind(readable(bounded(reason)))
                    .fetch_one(&mut *connection)
                    .await)
            .map_err(BackendError::from)?;
            return match outcome.as_str() {
                "done" => {
                    self.inner.hints.raise();
                    Ok(())
                }
                "unknown" => Err(BackendError::UnknownGroup(group.clone()).into()),
                "behind" => {
                    self.catch_up(group).await?;
                    continue;
                }
                _ => Err(QuarantineError::NotFirst {
                    group: group.clone(),
                    stream: stream.clone(),
                    asked,
                    first: first.map(position).transpose()?,
                }),
            };
        }
    }

    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        let name = match remedy {
            Remedy::Retried => "retried",
            Remedy::Skipped => "skipped",
        };
        let rows = retrying!(self, connection => self.inner.sql.interventions.query()
            .bind(group.as_str())
            .bind(name)
            .bind(clamped(after.unwrap_or(0)))
            .bind(clamped(limit))
            .fetch_all(&mut *connection)
            .await)?;
        self.known_if_empty(group, rows.len()).await?;
        rows.iter().map(intervention).collect()
    }

    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError> {
        let row = retrying!(self, connection => self.inner.sql.skip_of.query()
            .bind(group.as_str())
            .bind(clamped(position.get()))
            .fetch_optional(&mut *connection)
            .await)?;
        self.known_if_empty(group, row.iter().len()).await?;
        row.as_ref().map(intervention).transpose()
    }
}

/// Skips the first message of a held lane, whose handling has just failed with this error. Gives the number of lanes: 0 when
/// it is not held any more.
pub(crate) async fn skip_failed(
    connection: &mut PgConnection,
    sql: &Sql,
    claim: &ClaimKey,
    error: &str,
) -> Attempt<u64> {
    let query = sql.skip_failed.query_scalar();
    let outcome: String = query
        .bind(claim.group.as_str())
        .bind(claim.stream.as_str())
        .bind(claim.worker.as_uuid())
        .bind(clamped(claim.epoch.get()))
        .bind(readable(bounded(error)))
        .fetch_one(connection)
        .await?;
    Ok(u64::from(outcome == "done"))
}

impl Postgres {
    /// Nothing was found of the group: because there is nothing, or because there is no such group?
    async fn known_if_empty(&self, group: &GroupId, n_found: usize) -> Result<(), BackendError> {
        if n_found == 0 {
            sourced::backend::Groups::group_state(self, group).await?;
        }
        Ok(())
    }
}

/// Reads the last failure of a lane, if it has any.
pub(crate) fn failure(row: &PgRow) -> Result<Option<LaneFailure>, BackendError> {
    let error: Option<String> = get(row, "last_error")?;
    let failed: Option<i64> = get(row, "position")?;
    let (Some(error), Some(failed)) = (error, failed) else {
        return Ok(None);
    };
    Ok(Some(LaneFailure {
        stream: stream(get(row, "failed_stream")?)?,
        position: position(failed)?,
        seq: seq(get(row, "seq")?)?,
        message: get::<Uuid>(row, "id")?.into(),
        type_name: type_name(row)?,
        error,
        since: get::<DateTime<Utc>>(row, "failing_since")?.into(),
        at: get::<DateTime<Utc>>(row, "failed_at")?.into(),
    }))
}

fn intervention(row: &PgRow) -> Result<Intervention, BackendError> {
    Ok(Intervention {
        number: number(get(row, "number")?)?,
        remedy: match get::<&str>(row, "remedy")? {
            "retried" => Remedy::Retried,
            _ => Remedy::Skipped,
        },
        stream: stream(get(row, "stream")?)?,
        seq: seq(get(row, "seq")?)?,
        position: position(get(row, "position")?)?,
        message: get::<Uuid>(row, "id")?.into(),
        type_name: type_name(row)?,
        attempts: number(get::<i32>(row, "attempts")?.into())?,
        error: get(row, "error")?,
        reason: get(row, "reason")?,
        at: get::<DateTime<Utc>>(row, "done_at")?.into(),
    })
}

fn type_name(row: &PgRow) -> Result<TypeName, BackendError> {
    TypeName::new(get::<&str>(row, "type")?)
        .map_err(|_| BackendError::Corrupt("a type name".to_owned()))
}
