//! Claiming from groups in global order, which have one lane of the whole log.

use std::time::Duration;

use sourced::backend::{BackendError, Claim, ClaimKey, ClaimRequest, Delivery, Epoch};
use sourced::{GroupId, StreamId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use crate::backend::{Attempt, Postgres};
use crate::claims::{ClaimTrouble, micros};
use crate::connecting::in_step;
use crate::pump::GroupWork;
use crate::row::{MessageReader, at, clamped, get, group, number, ordinal};

impl Postgres {
    /// Claims the lanes of these groups, as far as they are ready.
    pub(crate) async fn claim_logs<'w>(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        groups: impl Iterator<Item = &'w GroupWork>,
    ) -> Result<Vec<Claim>, ClaimTrouble> {
        let mut claims = Vec::new();
        for work in groups {
            let query = self.inner.sql.claim_log.query();
            let query = query
                .bind(work.id)
                .bind(request.worker.as_uuid())
                .bind(micros(request.lease))
                .bind(clamped(request.messages_per_lane.clamp(1, 10_000)))
                .bind(clamped(request.bytes));
            let rows: Attempt<Vec<PgRow>> =
                in_step!(self, &mut *connection, step => query.fetch_all(&mut *step).await);
            match read_claim(&rows?, request)? {
                Some((claim, Some(error))) if claim.deliveries.is_empty() => {
                    self.park_unreadable(&claim.key, &error).await?;
                }
                read => claims.extend(read.map(|(claim, _)| claim)),
            }
        }
        Ok(claims)
    }
}

/// Reads a claimed lane up to what cannot be read, and tells that; `None` when somebody was faster.
fn read_claim(
    rows: &[PgRow],
    request: &ClaimRequest,
) -> Result<Option<(Claim, Option<BackendError>)>, BackendError> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let mut messages = MessageReader::each(first)?;
    let replaying = ordinal(first, "replaying")?;
    let mut deliveries = Vec::with_capacity(rows.len());
    let mut damage = None;
    for row in rows {
        match messages.read(row) {
            Ok(message) => deliveries.push(Delivery {
                message,
                replaying: at(row, replaying)?,
            }),
            Err(error) => {
                damage = Some(error);
                break;
            }
        }
    }
    let name: GroupId = group(get(first, "group_name")?)?;
    let claim = Claim {
        key: ClaimKey {
            group: name,
            stream: StreamId::log(),
            worker: request.worker,
            epoch: Epoch::new(number(get(first, "epoch")?)?),
        },
        deliveries,
        attempts: number(get::<i32>(first, "attempts")?.into())?,
        failing_for: Duration::from_micros(number(get(first, "failing_for")?)?),
    };
    Ok(Some((claim, damage)))
}
