//! Claims: the exclusive right of one worker to one stream of a group, for a while.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{
    Ack, AckError, Acked, Appended, BackendError, Claim, ClaimKey, ClaimRequest, Claims, Delivery,
    Epoch, FenceError, GoOn, LaneState, Refusal, Verdict, bounded,
};
use sourced::message::MessageId;
use sourced::{GroupId, StreamId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use crate::backend::{Attempt, Postgres, Retry, retrying};
use crate::connecting::in_step;
use crate::error::{SqlError, SqlErrorKind};
use crate::pump::Prepared;
use crate::quarantine::failure;
use crate::row::{MessageReader, at, clamped, get, known, number, ordinal, position, readable};

#[async_trait]
impl Claims for Postgres {
    async fn claim(&self, request: &ClaimRequest) -> Result<Vec<Claim>, BackendError> {
        if request.lanes == 0 || request.groups.is_empty() {
            return Ok(Vec::new());
        }
        // Doing it again is safe: what a lost connection had claimed comes back when its lease ends.
        let mut retry = Retry::default();
        loop {
            let kept = self.lock_claiming().take();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.own_connection().await?,
            };
            match self.claim_once(&mut connection, request).await {
                Err(ClaimTrouble::Sql(error)) if retry.allows(SqlErrorKind::of(&error)).await => {}
                Err(ClaimTrouble::Sql(error)) => return Err(error.into()),
                Err(ClaimTrouble::Backend(error)) => return Err(error),
                Ok(claims) => {
                    // Of several that claim at the same time, one leaves it for the next.
                    *self.lock_claiming() = Some(connection);
                    return Ok(claims);
                }
            }
        }
    }

    async fn ack(&self, ack: Ack) -> Result<Vec<Appended>, AckError> {
        Ok(self.acknowledge_together(ack, None).await?.appended)
    }

    async fn ack_and_go_on(&self, ack: Ack, next: GoOn) -> Result<Acked, AckError> {
        self.acknowledge_together(ack, Some(next)).await
    }

    async fn release(&self, claim: &ClaimKey) -> Result<(), FenceError> {
        let result = retrying!(self, connection => self.inner.sql.release.query()
            .bind(claim.group.as_str())
            .bind(claim.stream.as_str())
            .bind(claim.worker.as_uuid())
            .bind(clamped(claim.epoch.get()))
            .execute(&mut *connection)
            .await)
        .map_err(BackendError::from)?;
        self.given_back(claim, result.rows_affected())
    }

    async fn fail(
        &self,
        claim: &ClaimKey,
        verdict: Verdict,
        error: &str,
    ) -> Result<(), FenceError> {
        let sql = &self.inner.sql;
        let (text, delay) = match verdict {
            Verdict::RetryAfter(delay) => (&sql.fail, Some(micros(delay))),
            Verdict::Park => (&sql.fail, None),
            Verdict::Skip => return self.skip_failed(claim, error).await,
            Verdict::StopGroup => (&sql.fail_group, Some(0)),
        };
        let result = retrying!(self, connection => text.query()
            .bind(claim.group.as_str())
            .bind(claim.stream.as_str())
            .bind(claim.worker.as_uuid())
            .bind(clamped(claim.epoch.get()))
            .bind(delay)
            .bind(readable(bounded(error)))
            .execute(&mut *connection)
            .await)
        .map_err(BackendError::from)?;
        self.given_back(claim, result.rows_affected())
    }

    async fn renew(
        &self,
        claims: &[ClaimKey],
        lease: Duration,
    ) -> Result<Vec<ClaimKey>, BackendError> {
        let groups: Vec<&str> = claims.iter().map(|claim| claim.group.as_str()).collect();
        let streams: Vec<&str> = claims.iter().map(|claim| claim.stream.as_str()).collect();
        let workers: Vec<_> = claims.iter().map(|claim| claim.worker.as_uuid()).collect();
        let epochs: Vec<i64> = claims
            .iter()
            .map(|claim| clamped(claim.epoch.get()))
            .collect();
        let lost: Vec<i64> = retrying!(self, connection =>
            self.inner.sql.renew.query_scalar()
                .bind(&groups[..])
                .bind(&streams[..])
                .bind(&workers[..])
                .bind(&epochs[..])
                .bind(micros(lease))
                .fetch_all(&mut *connection)
                .await)?;
        let lost = lost.iter().filter_map(|nth| usize::try_from(nth - 1).ok());
        Ok(lost.filter_map(|i| claims.get(i).cloned()).collect())
    }

    async fn lane(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<LaneState>, BackendError> {
        let Some(row) = self.lane_row(group, stream).await? else {
            return Ok(None);
        };
        Ok(Some(LaneState::new(
            position(get(&row, "acked_pos")?)?,
            number(get::<i32>(&row, "attempts")?.into())?,
            get::<&str>(&row, "state")? == "parked",
            failure(&row)?,
        )))
    }

    async fn refusals(&self, commands: &[MessageId]) -> Result<Vec<Refusal>, BackendError> {
        let ids: Vec<_> = commands.iter().map(|command| command.as_uuid()).collect();
        let found: Vec<(sqlx::types::Uuid, String)> = retrying!(self, connection =>
            self.inner.sql.refusals.query_as()
                .bind(&ids[..])
                .fetch_all(&mut *connection)
                .await)?;
        let refusal = |(command, reason): (_, _)| Refusal {
            command: MessageId::from_uuid(command),
            reason,
        };
        Ok(found.into_iter().map(refusal).collect())
    }

    async fn pending_lanes(&self, groups: &[GroupId]) -> Result<u64, BackendError> {
        let names: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
        let counts: Vec<(String, i64)> = retrying!(self, connection =>
            self.inner.sql.pending_lanes.query_as()
                .bind(&names[..])
                .fetch_all(&mut *connection)
                .await)?;
        all_known(groups, counts.iter().map(|(name, _)| name.as_str()))?;
        number(counts.iter().map(|(_, count)| count).sum())
    }
}

pub(crate) enum ClaimTrouble {
    Sql(SqlError),
    Backend(BackendError),
}

impl From<SqlError> for ClaimTrouble {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<BackendError> for ClaimTrouble {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

/// Lanes that were claimed together.
#[derive(Default)]
struct Batch {
    claims: Vec<Claim>,
    /// Lanes in which nothing was found: group, stream, epoch, head.
    empty: Vec<[i64; 4]>,
}

impl Postgres {
    fn lock_claiming(&self) -> MutexGuard<'_, Option<PgConnection>> {
        let claiming = self.inner.claiming.lock();
        claiming.unwrap_or_else(PoisonError::into_inner)
    }

    async fn claim_once(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
    ) -> Result<Vec<Claim>, ClaimTrouble> {
        loop {
            let looked: Attempt<_> = in_step!(self, &mut *connection, step => self.look(&mut step, &request.groups).await);
            let (mut work, prepared) = looked?;
            all_known(
                &request.groups,
                work.iter().map(|group| group.name.as_str()),
            )?;
            work.retain(|group| group.oldest.is_some());
            if work.is_empty() && prepared == Prepared::Done {
                return Ok(Vec::new());
            }
            // Whose work waits longest comes first.
            work.sort_by_key(|group| group.oldest);
            let first = work.iter().take(request.lanes);
            let of_log = first.filter(|group| group.is_global);
            let mut claims = self.claim_logs(connection, request, of_log).await?;
            let of_streams = work.iter().filter(|group| !group.is_global);
            let groups = of_streams.map(|group| group.id).collect();
            let room = request.lanes - claims.len();
            let (shares, was_empty) = self.claim_shares(connection, request, room, groups).await?;
            claims.extend(shares);
            let go_on = prepared == Prepared::More || was_empty;
            if !claims.is_empty() || !go_on {
                return Ok(claims);
            }
        }
    }

    /// Claims in rounds: in each, every group gets the same share of what is left to claim. Those that use all of their
    /// share take part in the next one.
    async fn claim_shares(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        room: usize,
        mut groups: Vec<i32>,
    ) -> Result<(Vec<Claim>, bool), ClaimTrouble> {
        const MOST: usize = 1_000;
        let wanted = room.min(MOST);
        let mut claims = Vec::new();
        let mut was_empty = false;
        while claims.len() < wanted && !groups.is_empty() {
            let left = wanted - claims.len();
            let share = (left / groups.len()).max(1);
            let text = self.inner.sql.claim.sized([
                ("{share}", share),
                ("{lanes}", left),
                ("{messages}", request.messages_per_lane.clamp(1, 10_000)),
            ]);
            let query = text
                .query()
                .bind(&groups[..])
                .bind(request.worker.as_uuid())
                .bind(micros(request.lease));
            let rows: Attempt<Vec<PgRow>> =
                in_step!(self, &mut *connection, step => query.fetch_all(&mut *step).await);
            let rows = rows?;
            let (batch, lanes_of) = read_batch(&rows, request)?;
            self.settle(connection, request, &batch.empty).await?;
            was_empty |= !batch.empty.is_empty();
            groups.retain(|group| lanes_of.iter().filter(|of| *of == group).count() >= share);
            claims.extend(batch.claims);
        }
        Ok((claims, was_empty))
    }

    /// Gives back lanes in which nothing was found.
    async fn settle(
        &self,
        connection: &mut PgConnection,
        request: &ClaimRequest,
        empty: &[[i64; 4]],
    ) -> Attempt<()> {
        if empty.is_empty() {
            return Ok(());
        }
        let column = |i: usize| -> Vec<i64> { empty.iter().map(|lane| lane[i]).collect() };
        let query = self
            .inner
            .sql
            .settle
            .query()
            .bind(column(0))
            .bind(column(1))
            .bind(column(2))
            .bind(column(3))
            .bind(request.worker.as_uuid());
        in_step!(self, connection, step => query.execute(&mut *step).await.map(drop))
    }

    pub(crate) async fn lane_row(
        &self,
        group: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<PgRow>, BackendError> {
        Ok(retrying!(self, connection => self.inner.sql.lane.query()
            .bind(group.as_str())
            .bind(stream.as_str())
            .fetch_optional(&mut *connection)
            .await)?)
    }

    pub(crate) fn given_back(&self, claim: &ClaimKey, lanes: u64) -> Result<(), FenceError> {
        if lanes == 0 {
            return Err(FenceError::Fenced {
                group: claim.group.clone(),
                stream: claim.stream.clone(),
            });
        }
        self.inner.hints.raise();
        Ok(())
    }
}

/// Reads claimed lanes, whose rows come one lane after the other, and of which group each one is.
fn read_batch(rows: &[PgRow], request: &ClaimRequest) -> Result<(Batch, Vec<i32>), BackendError> {
    let mut batch = Batch::default();
    let mut lanes_of = Vec::new();
    let mut lane = None;
    let Some(first) = rows.first() else {
        return Ok((batch, lanes_of));
    };
    let mut messages = MessageReader::each(first)?;
    let mut names = Vec::new();
    let [group_id, stream_id, epoch, seq, replaying] =
        ["group_id", "stream_id", "epoch", "seq", "replaying"].map(|column| ordinal(first, column));
    let (group_id, stream_id, epoch) = (group_id?, stream_id?, epoch?);
    let (seq, replaying) = (seq?, replaying?);
    for row in rows {
        let group: i32 = at(row, group_id)?;
        let stream_id: i64 = at(row, stream_id)?;
        let is_next = lane.replace((group, stream_id)) != Some((group, stream_id));
        if is_next {
            lanes_of.push(group);
        }
        if at::<Option<i64>>(row, seq)?.is_none() {
            let (epoch, head) = (at(row, epoch)?, get(row, "head_seq")?);
            batch.empty.push([group.into(), stream_id, epoch, head]);
            continue;
        }
        let message = messages.read(row)?;
        if is_next {
            let group = known(&mut names, get(row, "group_name")?, |name| {
                GroupId::new(name).map_err(|error| BackendError::Corrupt(error.to_string()))
            })?;
            batch.claims.push(Claim {
                key: ClaimKey {
                    group,
                    stream: message.stream_id.clone(),
                    worker: request.worker,
                    epoch: Epoch::new(number(at(row, epoch)?)?),
                },
                deliveries: Vec::new(),
                attempts: number(get::<i32>(row, "attempts")?.into())?,
                failing_for: Duration::from_micros(number(get(row, "failing_for")?)?),
            });
        }
        if let Some(claim) = batch.claims.last_mut() {
            let replaying = at(row, replaying)?;
            claim.deliveries.push(Delivery { message, replaying });
        }
    }
    Ok((batch, lanes_of))
}

fn all_known<'n>(
    groups: &[GroupId],
    names: impl Iterator<Item = &'n str>,
) -> Result<(), BackendError> {
    let known: HashSet<&str> = names.collect();
    let mut groups = groups.iter();
    match groups.find(|group| !known.contains(group.as_str())) {
        Some(group) => Err(BackendError::UnknownGroup(group.clone())),
        None => Ok(()),
    }
}

/// A duration for the database, which cannot count for ever: a hundred years at most.
pub(crate) fn micros(duration: Duration) -> i64 {
    const HUNDRED_YEARS: Duration = Duration::from_hours(24 * 365 * 100);
    clamped(duration.min(HUNDRED_YEARS).as_micros())
}
