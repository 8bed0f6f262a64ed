//! Claiming work, and ending it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    Ack, AckError, AppendError, Appended, BackendError, Claim, ClaimKey, ClaimRequest, Claims,
    FenceError, LaneState, Limits, Refusal, Rehearsed, Verdict, bounded,
};
use sourced::message::MessageId;
use sourced::{GroupId, Position, StreamId};
use sqlx::{Connection as _, Row as _};

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::draft::{Plain, Progress};
use crate::lanes::{self, Taken};
use crate::pump::{self, Outlook, Terms};
use crate::row::{self, unsigned};
use crate::{append, deliveries, error, quarantine};

#[async_trait]
impl Claims for Sqlite {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        // One round sorts a bounded part of the log; nothing but an empty log, or a lane, ends the search.
        loop {
            let sql = &self.inner.sql;
            let mut reader = self.reader().await?;
            let looked = pump::outlook(&mut reader, sql, &request.groups, terms(request)).await;
            drop(reader);
            let outlook = looked?;
            if request.lanes == 0 || !outlook.iter().any(Outlook::has_work) {
                return Ok(Vec::new());
            }
            let is_behind = outlook.iter().any(Outlook::is_behind);
            let taken = self.take(request, outlook).await?;
            let has_taken = !taken.is_empty();
            let claims = self.deliver(request, taken).await?;
            if !claims.is_empty() || !(is_behind || has_taken) {
                return Ok(claims);
            }
        }
    }

    async fn ack(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        check(&ack)?;
        // What only writes documents is run here, while others have the connection.
        let writes = match self.rehearse(&ack) {
            Some(Rehearsed::Rows(wanted)) if stores_nothing(&ack) => {
                return self.inner.writer.change(ack, wanted).await;
            }
            Some(Rehearsed::Writes(documents)) if ack.schedules.is_empty() => {
                let (claim, upto, refusals) = (ack.claim, ack.upto, ack.refusals);
                let progress = Some(Progress {
                    claim,
                    upto,
                    refusals,
                    documents,
                });
                let appends = ack.appends;
                return self.inner.writer.store(Plain { appends, progress }).await;
            }
            Some(Rehearsed::Writes(writes)) => Some(writes),
            _ => None,
        };
        let sql = Arc::clone(&self.inner.sql);
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { lanes::ack(connection, &sql, &ack, writes.as_ref()).await })
            })
            .await
    }

    async fn ack_and_fail(
        &self,
        ack: Ack,
        verdict: Verdict,
        error: &str,
    ) -> Result<Vec<Appended>, AckError> {
        check(&ack)?;
        let writes = match self.rehearse(&ack) {
            Some(Rehearsed::Writes(writes)) => Some(writes),
            _ => None,
        };
        let (sql, error) = (Arc::clone(&self.inner.sql), bounded(error).to_owned());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    let acked = lanes::ack(connection, &sql, &ack, writes.as_ref()).await?;
                    lanes::fail_next(connection, &sql, &ack.claim, verdict, &error).await?;
                    Ok(acked)
                })
            })
            .await
    }

    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        let sql = Arc::clone(&self.inner.sql);
        let claim = claim.clone();
        self.inner
            .writer
            .run(Effect::Redone, move |connection| {
                Box::pin(async move { lanes::release(connection, &sql, &claim).await })
            })
            .await?;
        self.inner.signal.raise();
        Ok(())
    }

    async fn postpone(&self, claim: &ClaimKey, delay: Duration) -> Result<(), FenceError> {
        let sql = Arc::clone(&self.inner.sql);
        let claim = claim.clone();
        self.inner
            .writer
            .run(Effect::Redone, move |connection| {
                Box::pin(async move { lanes::postpone(connection, &sql, &claim, delay).await })
            })
            .await
    }

    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        let sql = Arc::clone(&self.inner.sql);
        let (claim, error) = (claim.clone(), bounded(error).to_owned());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(
                    async move { lanes::fail(connection, &sql, &claim, verdict, &error).await },
                )
            })
            .await
    }

    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let sql = Arc::clone(&self.inner.sql);
        let claims = claims.to_vec();
        self.inner
            .writer
            .run(Effect::Redone, move |connection| {
                Box::pin(async move { lanes::renew(connection, &sql, claims, lease).await })
            })
            .await
    }

    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        let sql = &self.inner.sql;
        let mut reader = self.reader().await?;
        let group_id = quarantine::group_id(&mut reader, sql, group).await?;
        let row = sqlx::query(sql.lane.clone())
            .bind(group_id)
            .bind(stream.as_str())
            .fetch_optional(&mut *reader)
            .await
            .map_err(error::backend)?;
        if let Some(row) = row {
            let attempts = u32::try_from(unsigned(&row, 1)?).unwrap_or(u32::MAX);
            let parked: bool = row.try_get(2).map_err(error::backend)?;
            let failure = quarantine::failure(&row, 3)?;
            let acked = Position::new(unsigned(&row, 0)?);
            return Ok(Some(LaneState::new(acked, attempts, parked, failure)));
        }
        // The pump may not have come to this stream yet.
        let row = sqlx::query(sql.unsorted.clone())
            .bind(group_id)
            .bind(stream.as_str())
            .fetch_optional(&mut *reader)
            .await
            .map_err(error::backend)?;
        let Some(row) = row else {
            return Ok(None);
        };
        let start = Position::new(unsigned(&row, 0)?);
        Ok(Some(LaneState::new(start, 0, false, None)))
    }

    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        let rows = sqlx::query(self.inner.sql.refusals.clone())
            .bind(append::json_of_ids(commands.iter().copied()))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        rows.iter()
            .map(|row| {
                Ok(Refusal {
                    command: MessageId::from_uuid(row::uuid(row, 0)?),
                    reason: row.try_get(1).map_err(error::backend)?,
                })
            })
            .collect()
    }

    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        let mut reader = self.reader().await?;
        // One snapshot for all groups: work that moves from one to another meanwhile must not be missed in both.
        let mut snapshot = reader.begin().await.map_err(error::backend)?;
        let mut pending = 0;
        for group in groups {
            let row = sqlx::query(self.inner.sql.pending_lanes.clone())
                .bind(group.as_str())
                .fetch_optional(&mut *snapshot)
                .await
                .map_err(error::backend)?
                .ok_or_else(|| BackendError::UnknownGroup(group.clone()))?;
            pending += unsigned(&row, 1)?;
        }
        Ok(pending)
    }
}

impl Sqlite {
    /// Runs the sync actions of an acknowledgement outside of the transaction, as far as they can be.
    fn rehearse(&self, ack: &Ack) -> Option<Rehearsed> {
        let inner = &self.inner;
        inner.writer.as_inside(|| inner.rehearsals.rehearse(ack))
    }

    async fn take(
        &self,
        request: &ClaimRequest,
        outlook: Vec<Outlook>,
    ) -> Result<Vec<Taken>, BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        let request = request.clone();
        self.inner
            .writer
            .run(Effect::Redone, move |connection| {
                Box::pin(async move {
                    let mut stretches = Vec::new();
                    for group in &outlook {
                        let stretch = pump::pump(connection, &sql, group, terms(&request));
                        stretches.push(stretch.await?);
                    }
                    lanes::take(connection, &sql, &request, &outlook, stretches, turn).await
                })
            })
            .await
    }

    /// Reads the messages of lanes just claimed, outside of the transaction: the log does not change behind its end.
    async fn deliver(
        &self,
        request: &ClaimRequest,
        taken: Vec<Taken>,
    ) -> Result<Vec<Claim>, BackendError> {
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let sql = &self.inner.sql;
        let mut deliveries = {
            let mut reader = self.reader().await?;
            deliveries::of_lanes(&mut reader, sql, &taken, request).await?
        };
        let mut claims = Vec::with_capacity(taken.len());
        for lane in taken {
            match deliveries.remove(&lane.id).unwrap_or(Ok(Vec::new())) {
                Ok(deliveries) if deliveries.is_empty() => self.give_back(&lane).await?,
                Ok(deliveries) => claims.push(Claim {
                    key: lane.key,
                    deliveries,
                    attempts: lane.attempts,
                    failing_for: lane.failing_for,
                }),
                Err(error) => self.park_unreadable(&lane, &error).await?,
            }
        }
        Ok(claims)
    }

    /// A lane is empty when the group has stopped handling the types it was ready for.
    async fn give_back(&self, lane: &Taken) -> Result<(), BackendError> {
        unless_lost(self.release(&lane.key).await)
    }

    /// One damaged message must not stop the claims of all other streams.
    async fn park_unreadable(
        &self,
        lane: &Taken,
        error: &BackendError,
    ) -> Result<(), BackendError> {
        tracing::error!(group = %lane.key.group, stream = %lane.key.stream, %error, "parked a lane with an unreadable message");
        unless_lost(
            self.fail(&lane.key, Verdict::Park, &error.to_string())
                .await,
        )
    }
}

fn terms(request: &ClaimRequest) -> Terms<'_> {
    Terms {
        stretches: &request.stretches,
        lease: request.lease,
        bytes: request.bytes,
    }
}

/// Refuses what can never be stored.
fn check(ack: &Ack) -> Result<(), AckError> {
    let refused = Limits::default().check_all(&ack.appends, &ack.schedules);
    refused.map_err(AppendError::from)?;
    Ok(append::refuse_repetitions(&ack.appends, &ack.schedules)?)
}

/// Whether it stores no messages.
fn stores_nothing(ack: &Ack) -> bool {
    ack.appends.is_empty() && ack.schedules.is_empty()
}

fn unless_lost(result: Result<(), FenceError>) -> Result<(), BackendError> {
    match result {
        Err(FenceError::Backend(error)) => Err(error),
        _ => Ok(()),
    }
}
