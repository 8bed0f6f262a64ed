//! Stretches of the log: claims of groups that are far behind.

use std::time::Duration;

use sourced::backend::{
    BackendError, Claim, ClaimKey, ClaimRequest, Delivery, Epoch, FenceError, STRETCH,
};
use sourced::{GroupId, StreamId};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use crate::backend::{Attempt, Postgres, retrying};
use crate::claims::{ClaimTrouble, micros};
use crate::connecting::in_step;
use crate::error::SqlError;
use crate::row::{MessageReader, at, clamped, group, number, ordinal};

/// A stretch that is held.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) group: i32,
    pub(crate) name: GroupId,
    pub(crate) epoch: i64,
    pub(crate) after: i64,
    pub(crate) upto: i64,
    /// What lies up to here is decided.
    pub(crate) decided: i64,
    pub(crate) types: Vec<String>,
    pub(crate) generation: i32,
    pub(crate) reset: i64,
    /// Counts when the group's types change, and resets.
    pub(crate) changes: i32,
}

impl Postgres {
    /// Claims a stretch of each of these groups, as far as there is room. Says whether there was one with nothing to handle,
    /// so that it is worth looking again.
    pub(crate) async fn claim_stretches(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        groups: &[i32],
    ) -> Result<(Vec<Claim>, bool), ClaimTrouble> {
        let mut claims = Vec::new();
        let mut has_passed = false;
        for group in groups.iter().take(request.lanes) {
            let Some(held) = self.hold_stretch(connection, request, *group).await? else {
                continue;
            };
            let key = ClaimKey {
                group: held.name.clone(),
                stream: StreamId::log(),
                worker: request.worker,
                epoch: Epoch::new(number(held.epoch)?),
            };
            let read = match self
                .inner
                .ahead
                .take(&held, self.inner.history.setbacks())
                .await
            {
                Some(deliveries) => Ok(deliveries),
                None => self.read_stretch(connection, &held).await,
            };
            let deliveries = match read {
                Ok(deliveries) => deliveries,
                Err(ClaimTrouble::Backend(error)) => {
                    // One message that cannot be read holds up its stream, and no other.
                    tracing::error!(group = %key.group, %error, "a stretch of the log cannot be read: it comes stream by stream");
                    self.release_stretch(&key).await.map_err(of_fence)?;
                    has_passed = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if deliveries.is_empty() {
                self.pass_stretch(connection, request, &held).await?;
                has_passed = true;
                continue;
            }
            self.read_ahead(&held, request.bytes);
            claims.push(Claim {
                key,
                deliveries,
                attempts: 0,
                failing_for: Duration::ZERO,
            });
        }
        Ok((claims, has_passed))
    }

    async fn hold_stretch(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        id: i32,
    ) -> Result<Option<Held>, ClaimTrouble> {
        let query = self.inner.sql.claim_stretch.query();
        let query = query
            .bind(id)
            .bind(request.worker.as_uuid())
            .bind(micros(request.lease))
            .bind(clamped(STRETCH))
            .bind(clamped(request.bytes));
        let row: Attempt<PgRow> =
            in_step!(self, connection, step => query.fetch_one(&mut *step).await);
        let row = row?;
        let held = |epoch: i64| -> Result<Held, SqlError> {
            let name: &str = row.try_get("name")?;
            Ok(Held {
                group: id,
                name: group(name).map_err(|error| sqlx::Error::Decode(error.into()))?,
                epoch,
                after: row.try_get("after")?,
                upto: row.try_get("upto")?,
                decided: row.try_get("decided")?,
                types: row.try_get("types")?,
                generation: row.try_get("gen")?,
                reset: row.try_get("reset_pos")?,
                changes: row.try_get("changes")?,
            })
        };
        let epoch: Option<i64> = row.try_get("epoch").map_err(SqlError::from)?;
        Ok(epoch.map(held).transpose()?)
    }

    /// Where a stretch ends that goes no further than this one and has so many bytes at most.
    pub(crate) async fn end_of(
        &self,
        connection: &mut PgConnection,
        held: &Held,
        bytes: usize,
    ) -> Attempt<i64> {
        let query = self.inner.sql.end_of_stretch.query_scalar();
        let query = query
            .bind(held.group)
            .bind(held.after)
            .bind(held.upto)
            .bind(clamped(STRETCH))
            .bind(clamped(bytes));
        in_step!(self, connection, step => query.fetch_one(&mut *step).await)
    }

    /// Reads the messages of a stretch; as many as one has at most.
    pub(crate) async fn read_stretch(
        &self,
        connection: &mut PgConnection,
        held: &Held,
    ) -> Result<Vec<Delivery>, ClaimTrouble> {
        let text = self.inner.sql.stretch.sized([("{messages}", STRETCH)]);
        let query = text.query();
        let query = query
            .bind(held.group)
            .bind(held.after)
            .bind(held.upto)
            .bind(&held.types[..])
            .bind(held.name.as_str())
            .bind(held.generation)
            .bind(held.reset);
        let rows: Attempt<Vec<PgRow>> =
            in_step!(self, connection, step => query.fetch_all(&mut *step).await);
        let rows = rows?;
        let Some(first) = rows.first() else {
            return Ok(Vec::new());
        };
        let mut messages = MessageReader::each(first)?;
        let replaying = ordinal(first, "replaying")?;
        let delivery = |row| -> Result<Delivery, BackendError> {
            Ok(Delivery {
                message: messages.read(row)?,
                replaying: at(row, replaying)?,
            })
        };
        Ok(rows.iter().map(delivery).collect::<Result<_, _>>()?)
    }

    /// Moves on behind a stretch that has nothing for the group, unless it was taken back.
    async fn pass_stretch(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        held: &Held,
    ) -> Result<(), ClaimTrouble> {
        let query = self.inner.sql.pass_stretch.query();
        let query = query
            .bind(held.group)
            .bind(request.worker.as_uuid())
            .bind(held.epoch)
            .bind(held.upto);
        let passed: Attempt<_> =
            in_step!(self, connection, step => query.execute(&mut *step).await);
        match passed {
            Err(error) if !error.is_fenced() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Gives a stretch back: what is not acknowledged comes in lanes. False when the claim is not of a stretch.
    pub(crate) async fn release_stretch(&self, claim: &ClaimKey) -> Result<bool, FenceError> {
        if !claim.stream.is_log() {
            return Ok(false);
        }
        let was_held: Option<bool> =
            retrying!(self, connection => self.inner.sql.release_stretch.query_scalar()
            .bind(claim.group.as_str())
            .bind(claim.worker.as_uuid())
            .bind(clamped(claim.epoch.get()))
            .fetch_optional(&mut *connection)
            .await)
            .map_err(BackendError::from)?;
        match was_held {
            Some(was_held) => self.given_back(claim, u64::from(was_held)).map(|()| true),
            None => Ok(false),
        }
    }
}

fn of_fence(error: FenceError) -> ClaimTrouble {
    match error {
        FenceError::Backend(error) => error.into(),
        fenced => BackendError::Unavailable(fenced.into()).into(),
    }
}
