//! The state machine of the lanes, step by step inside the writer's transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{
    Ack, AckError, Appended, BackendError, ClaimKey, ClaimRequest, DocumentWrites, Epoch,
    FenceError, GroupOrder, Refusal, SyncAction, Tx, Verdict,
};
use sourced::{GroupId, Position, StreamId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor as _, Row as _, SqliteConnection};

use crate::append::{self, json};
use crate::pump::Outlook;
use crate::quarantine;
use crate::row::{limit, signed, unsigned};
use crate::schedules;
use crate::sql::Statements;
use crate::stretches::{self, Stretch};
use crate::tx::SavepointTx;
use crate::{error, tx};

/// A lane that was just claimed.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) id: i64,
    pub(crate) kind: Kind,
    pub(crate) key: ClaimKey,
    pub(crate) attempts: u32,
    pub(crate) failing_for: Duration,
}

/// What a lane is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stream,
    Log,
    Stretch,
}

/// What a group has to give.
#[derive(Debug, Clone)]
enum Offer {
    Lane(i64),
    Stretch(Stretch),
}

/// Claims ready lanes, of each group in turn the one that waits longest, or its stretch.
pub(crate) async fn take(
    connection: &mut SqliteConnection,
    sql: &Statements,
    request: &ClaimRequest,
    outlook: &[Outlook],
    stretches: Vec<Option<Stretch>>,
    turn: usize,
) -> Result<Vec<Taken>, BackendError> {
    let mut offers = offers(connection, sql, request, outlook).await?;
    for (of_group, stretch) in offers.iter_mut().zip(stretches) {
        of_group.extend(stretch.map(Offer::Stretch));
    }
    let mut chosen = Vec::new();
    for offer in share(&mut offers, request.lanes, turn) {
        chosen.push(match offer {
            Offer::Lane(id) => *id,
            Offer::Stretch(stretch) => stretches::open(connection, sql, stretch).await?,
        });
    }
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(sql.take.clone())
        .bind(request.worker.as_uuid().into_bytes().to_vec())
        .bind(micros(request.lease))
        .bind(json(&chosen))
        .fetch_all(connection)
        .await
        .map_err(error::backend)?;
    let mut taken = HashMap::new();
    for row in &rows {
        let group_id: i64 = row.try_get(1).map_err(error::backend)?;
        let Some(of) = outlook.iter().find(|of| of.group_id == group_id) else {
            continue;
        };
        let name: &str = row.try_get(2).map_err(error::backend)?;
        let stream =
            StreamId::new(name).map_err(|_| BackendError::Corrupt("a stream's name".to_owned()))?;
        let kind = match of.order {
            GroupOrder::Global => Kind::Log,
            GroupOrder::PerStream if stream.is_log() => Kind::Stretch,
            GroupOrder::PerStream => Kind::Stream,
        };
        let lane = Taken {
            id: row.try_get(0).map_err(error::backend)?,
            kind,
            key: ClaimKey {
                group: of.group.clone(),
                stream,
                worker: request.worker,
                epoch: Epoch::new(unsigned(row, 3)?),
            },
            attempts: u32::try_from(unsigned(row, 4)?).unwrap_or(u32::MAX),
            failing_for: Duration::from_micros(unsigned(row, 5)?),
        };
        taken.insert(lane.id, lane);
    }
    // An UPDATE returns its rows in no order.
    Ok(chosen.iter().filter_map(|id| taken.remove(id)).collect())
}

/// The first ready lanes of each group, oldest first.
async fn offers(
    connection: &mut SqliteConnection,
    sql: &Statements,
    request: &ClaimRequest,
    outlook: &[Outlook],
) -> Result<Vec<Vec<Offer>>, BackendError> {
    let groups: Vec<i64> = outlook.iter().map(|of| of.group_id).collect();
    let rows = sqlx::query(sql.offers.clone())
        .bind(json(&groups))
        .bind(limit(request.lanes))
        .fetch_all(connection)
        .await
        .map_err(error::backend)?;
    let mut offers = vec![Vec::new(); groups.len()];
    for row in &rows {
        let group_id: i64 = row.try_get(0).map_err(error::backend)?;
        let lane: i64 = row.try_get(1).map_err(error::backend)?;
        if let Some(index) = groups.iter().position(|id| *id == group_id) {
            offers[index].push(Offer::Lane(lane));
        }
    }
    Ok(offers)
}

/// One lane of each group in turn, so that a long queue of one leaves room for the others.
fn share(offers: &mut [Vec<Offer>], lanes: usize, turn: usize) -> impl Iterator<Item = &Offer> {
    let first = turn.checked_rem(offers.len()).unwrap_or(0);
    offers.rotate_left(first);
    let longest = offers.iter().map(Vec::len).max().unwrap_or(0);
    let rounds = 0..longest;
    let in_turn = rounds.flat_map(|round| offers.iter().filter_map(move |offer| offer.get(round)));
    in_turn.take(lanes)
}

/// Ends a claim with progress, all or nothing: on an error the savepoint around it is rolled back. Where `writes` are known,
/// they are what its sync actions would do.
pub(crate) async fn ack(
    connection: &mut SqliteConnection,
    sql: &Statements,
    ack: &Ack,
    writes: Option<&DocumentWrites>,
) -> Result<Vec<Appended>, AckError> {
    let Some(lane) = held(connection, sql, &ack.claim).await? else {
        return Err(AckError::Fenced {
            group: ack.claim.group.clone(),
            stream: ack.claim.stream.clone(),
        });
    };
    let appended = append::append(connection, sql, &ack.appends).await?;
    schedules::schedule(connection, sql, &ack.schedules).await?;
    refuse(connection, sql, &ack.refusals).await?;
    match writes {
        Some(writes) => tx::write(connection, sql, writes)
            .await
            .map_err(|error| AckError::of_sync(error.into()))?,
        None => sync(connection, sql, &ack.syncs).await?,
    }
    if lane.is_stretch {
        stretches::acknowledge(connection, sql, lane.id, ack.upto.get()).await?;
    } else {
        progress(connection, sql, lane.id, ack.upto).await?;
    }
    Ok(appended)
}

/// Records refusals.
pub(crate) async fn refuse(
    connection: &mut SqliteConnection,
    sql: &Statements,
    refusals: &[Refusal],
) -> Result<(), BackendError> {
    for refusal in refusals {
        sqlx::query(sql.insert_refusal.clone())
            .bind(refusal.command.as_uuid().into_bytes().to_vec())
            .bind(refusal.reason.as_str())
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    Ok(())
}

/// Runs the user's actions in a savepoint of their own: releasing it shows whether the transaction is still the same,
/// even when an action has hidden an error that made SQLite end it. When one fails, whoever called rolls back all of it.
pub(crate) async fn sync(
    connection: &mut SqliteConnection,
    sql: &Statements,
    syncs: &[Arc<dyn SyncAction>],
) -> Result<(), AckError> {
    let savepoint = connection.execute("SAVEPOINT sourced_syncs").await;
    savepoint.map_err(error::backend)?;
    for action in syncs {
        let mut ops = SavepointTx {
            connection: &mut *connection,
            sql,
        };
        action
            .run(&mut Tx::new(&mut ops))
            .await
            .map_err(error::of_sync)?;
    }
    let released = connection.execute("RELEASE sourced_syncs").await;
    released.map_err(error::backend)?;
    Ok(())
}

/// Acknowledges everything up to this position, and gives the lane back.
pub(crate) async fn progress(
    connection: &mut SqliteConnection,
    sql: &Statements,
    lane: i64,
    upto: Position,
) -> Result<(), BackendError> {
    let done = sqlx::query(sql.acknowledge.clone())
        .bind(json(&[(lane, upto.get())]))
        .execute(connection)
        .await;
    done.map(drop).map_err(error::backend)
}

/// Ends a claim without progress.
pub(crate) async fn release(
    connection: &mut SqliteConnection,
    sql: &Statements,
    claim: &ClaimKey,
) -> Result<(), FenceError> {
    let lane = fence(connection, sql, claim).await?;
    Ok(reopen(connection, sql, lane.id).await?)
}

/// Ends a claim with a failure.
pub(crate) async fn fail(
    connection: &mut SqliteConnection,
    sql: &Statements,
    claim: &ClaimKey,
    verdict: Verdict,
    text: &str,
) -> Result<(), FenceError> {
    let lane = fence(connection, sql, claim).await?;
    if lane.is_stretch {
        // Which stream is in trouble, shows when it comes by itself.
        return Ok(reopen(connection, sql, lane.id).await?);
    }
    let delay = match verdict {
        Verdict::RetryAfter(delay) => Some(micros(delay)),
        Verdict::Park => None,
        Verdict::Skip => {
            let (group, stream) = (&claim.group, &claim.stream);
            return Ok(quarantine::skip_failed(connection, sql, group, stream, text).await?);
        }
        Verdict::StopGroup => Some(0),
    };
    let query = sqlx::query(sql.fail.clone())
        .bind(lane.id)
        .bind(delay)
        .bind(text);
    let done = query.execute(&mut *connection).await;
    done.map_err(error::backend)?;
    if verdict == Verdict::StopGroup {
        let stop = sqlx::query(sql.fail_group.clone())
            .bind(claim.group.as_str())
            .bind(text)
            .bind(lane.id);
        stop.execute(connection).await.map_err(error::backend)?;
    }
    Ok(())
}

/// Fails the first message of a lane that its claim has just given back with progress, in the same transaction. Of a stretch
/// nothing is failed.
pub(crate) async fn fail_next(
    connection: &mut SqliteConnection,
    sql: &Statements,
    claim: &ClaimKey,
    verdict: Verdict,
    text: &str,
) -> Result<(), BackendError> {
    let taken_back = sqlx::query(sql.take_again.clone())
        .bind(claim.group.as_str())
        .bind(claim.stream.as_str())
        .bind(claim.worker.as_uuid().into_bytes().to_vec())
        .bind(signed(claim.epoch.get()))
        .execute(&mut *connection)
        .await
        .map_err(error::backend)?;
    if taken_back.rows_affected() == 0 {
        return Ok(());
    }
    match fail(connection, sql, claim, verdict, text).await {
        Err(FenceError::Backend(error)) => Err(error),
        _ => Ok(()),
    }
}

/// Ends a claim without progress, for a while.
pub(crate) async fn postpone(
    connection: &mut SqliteConnection,
    sql: &Statements,
    claim: &ClaimKey,
    delay: Duration,
) -> Result<(), FenceError> {
    let lane = fence(connection, sql, claim).await?;
    if lane.is_stretch {
        return Ok(reopen(connection, sql, lane.id).await?);
    }
    let postpone = sqlx::query(sql.postpone.clone())
        .bind(lane.id)
        .bind(micros(delay));
    let done = postpone.execute(connection).await;
    Ok(done.map(drop).map_err(error::backend)?)
}

/// Prolongs claims, and returns those that are lost.
pub(crate) async fn renew(
    connection: &mut SqliteConnection,
    sql: &Statements,
    claims: Vec<ClaimKey>,
    lease: Duration,
) -> Result<Vec<ClaimKey>, BackendError> {
    let mut lost = Vec::new();
    for claim in claims {
        let Some(lane) = held(connection, sql, &claim).await? else {
            lost.push(claim);
            continue;
        };
        sqlx::query(sql.renew.clone())
            .bind(lane.id)
            .bind(micros(lease))
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    Ok(lost)
}

async fn reopen(
    connection: &mut SqliteConnection,
    sql: &Statements,
    lane: i64,
) -> Result<(), BackendError> {
    let done = sqlx::query(sql.reopen.clone())
        .bind(lane)
        .execute(connection);
    done.await.map(drop).map_err(error::backend)
}

async fn fence(
    connection: &mut SqliteConnection,
    sql: &Statements,
    claim: &ClaimKey,
) -> Result<Held, FenceError> {
    let lane = held(connection, sql, claim).await?;
    lane.ok_or_else(|| FenceError::Fenced {
        group: GroupId::clone(&claim.group),
        stream: claim.stream.clone(),
    })
}

/// A lane that somebody holds.
struct Held {
    id: i64,
    is_stretch: bool,
}

/// The lane of a claim, unless it has moved on. Nobody else writes until the transaction ends, so looking is enough.
async fn held(
    connection: &mut SqliteConnection,
    sql: &Statements,
    claim: &ClaimKey,
) -> Result<Option<Held>, BackendError> {
    let row = sqlx::query(sql.held.clone())
        .bind(claim.group.as_str())
        .bind(claim.stream.as_str())
        .bind(claim.worker.as_uuid().into_bytes().to_vec())
        .bind(signed(claim.epoch.get()))
        .fetch_optional(connection)
        .await
        .map_err(error::backend)?;
    let held = |row: SqliteRow| {
        Ok(Held {
            id: row.try_get(0)?,
            is_stretch: row.try_get(1)?,
        })
    };
    row.map(held).transpose().map_err(error::backend)
}

/// A span of SQLite's clock: half of its numbers at most, so that adding it to any time stays a number.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).map_or(i64::MAX / 2, |micros| micros.min(i64::MAX / 2))
}
