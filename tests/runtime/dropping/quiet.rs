//! Nothing is left behind: no transaction, no lock, no connection, no task.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use sourced::Selection;
use sourced::backend::ReadLog;
use sourced::env::{Clock as _, SystemClock};
use sourced_postgres::Postgres;
use sqlx::SqlitePool;

use crate::backends::On;
use crate::own::Own;
use crate::world::World;

/// How often to look whether what is under way has come to its end.
const PATIENCE: usize = 2_000;
/// How long a connection is waited for that nobody has.
const AT_ONCE: Duration = Duration::from_secs(8);

/// Looks again and again, until there is nothing to complain about.
async fn patiently<F>(look: impl Fn() -> F) -> Result<(), String>
where
    F: Future<Output = Result<(), String>>,
{
    let mut last = Ok(());
    for _ in 0..PATIENCE {
        last = look().await;
        if last.is_ok() {
            break;
        }
        SystemClock.sleep(Duration::from_millis(5)).await;
    }
    last
}

/// Waits until everything is at rest, and says what is not.
pub async fn storage_is_at_rest(world: &World) -> Result<(), String> {
    match (&world.on, &world.own) {
        (On::Postgres(backend), _) => postgres_is_at_rest(backend).await,
        (_, Some(Own::Sqlite(pool))) => sqlite_is_at_rest(world, pool).await,
        _ => Ok(()),
    }
}

async fn postgres_is_at_rest(backend: &Postgres) -> Result<(), String> {
    let pool = backend.pool();
    let size = pool.options().get_max_connections() as usize;
    patiently(async || {
        // Two more carry the wake-ups, one the claims, and one the renewals.
        let sessions: Vec<(String, String)> = sqlx::query_as(
            "SELECT coalesce(state, ''), coalesce(query, '') FROM pg_stat_activity
              WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        .fetch_all(pool)
        .await
        .map_err(|error| error.to_string())?;
        let busy: Vec<_> = sessions.iter().filter(|(state, _)| state != "idle").collect();
        if !busy.is_empty() {
            return Err(format!("at work, or in a transaction: {busy:?}"));
        }
        if sessions.len() + 1 > size + 4 {
            return Err(format!("{} connections of {}", sessions.len() + 1, size + 4));
        }
        let locks: Vec<(String, String)> = sqlx::query_as(
            "SELECT locktype, mode FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
              WHERE d.datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_all(pool)
        .await
        .map_err(|error| error.to_string())?;
        if locks.is_empty() { Ok(()) } else { Err(format!("locked: {locks:?}")) }
    })
    .await?;
    // All of them can be had at once.
    let all = try_join_all((0..size).map(|_| pool.acquire()));
    let acquired = tokio::select! {
        acquired = all => acquired.map_err(|error| error.to_string())?,
        () = SystemClock.sleep(AT_ONCE) => return Err("connections are kept by nobody".into()),
    };
    for mut connection in acquired {
        let answer = sqlx::query("SELECT 1").execute(&mut *connection).await;
        answer.map_err(|error| format!("a connection of the pool is broken: {error}"))?;
    }
    Ok(())
}

async fn sqlite_is_at_rest(world: &World, pool: &SqlitePool) -> Result<(), String> {
    // Whoever wrote is done when this is: there is one writer.
    patiently(async || {
        let tx = pool.begin_with("BEGIN IMMEDIATE").await;
        let tx = tx.map_err(|error| format!("somebody writes: {error}"))?;
        tx.rollback().await.map_err(|error| error.to_string())?;
        // No reader has an old snapshot: nothing is left in the journal.
        let (busy, left, done): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(pool)
            .await
            .map_err(|error| error.to_string())?;
        if busy == 0 {
            Ok(())
        } else {
            Err(format!("somebody reads: {left} pages, {done} of them done"))
        }
    })
    .await?;
    // As many readers as there are connections for them, and more.
    let backend = world.backend();
    let reads = join_all((0..8).map(|_| async {
        let read = ReadLog::new(Selection::all()).limit(1);
        backend.read_log(&read).await
    }));
    let read = tokio::select! {
        read = reads => read,
        () = SystemClock.sleep(AT_ONCE) => return Err("readers are kept by nobody".into()),
    };
    let failed = read.into_iter().find_map(Result::err);
    failed.map_or(Ok(()), |error| Err(format!("a reader is broken: {error}")))
}

/// How many tasks there are.
pub fn n_tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Waits until there are no more tasks than there were.
pub async fn tasks_have_ended(n_before: usize) -> Result<(), String> {
    patiently(async || match n_tasks() {
        n if n <= n_before => Ok(()),
        n => Err(format!("{n} tasks, and there were {n_before}")),
    })
    .await
}
