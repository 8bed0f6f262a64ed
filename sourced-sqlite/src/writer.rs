//! The one connection that writes, and the group commit of everybody who wants to.
//!
//! SQLite has one writer at a time and pays one fsync per commit. So a task owns the connection, takes all the jobs that
//! are waiting, runs each in a savepoint of its own, commits once, and only then answers: a hundred concurrent appends
//! cost one fsync. What needs no code of its own inside the transaction
//! is worked out together, and needs no savepoints. A job that fails or panics rolls back itself and nobody else. What was handed to the task is done or
//! not done, but never half, whether or not the caller still waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::backend::{Ack, BackendError, DocumentWrites, Rehearsals, RowsWanted, Signal};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::backend::{Opening, Synchronous};
use crate::batch::{Batch, Effect, Order, PlainJob, RowsJob, TypedJob, Verdict, gone};
use crate::draft::{Outcome, Plain, Progress};
use crate::error;
use crate::sql::Statements;
use crate::staging;
use crate::together;
use crate::wake::{LOOK_EVERY, data_version};

/// Jobs that wait before callers have to.
const QUEUE: usize = 256;
/// Jobs of one transaction: a bound for how long the first of them waits for the others.
const BATCH: usize = 64;
const FIRST_BACKOFF: Duration = Duration::from_millis(10);
const LAST_BACKOFF: Duration = Duration::from_secs(1);

/// The way to the writing task; it ends when the last of these is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Order>,
    id: u64,
}

tokio::task_local! {
    /// The id of the writer that runs what is polled here: it would wait for itself.
    static WRITING: u64;
}

static N_WRITERS: AtomicU64 = AtomicU64::new(0);

impl Writer {
    /// Starts the task.
    pub(crate) fn start(
        connection: SqliteConnection,
        opening: Opening,
        synchronous: Synchronous,
        sql: Arc<Statements>,
        rehearsals: Arc<Rehearsals>,
        signal: Signal,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let id = N_WRITERS.fetch_add(1, Ordering::Relaxed);
        let task = WritingTask {
            waiting,
            link: Link {
                connection: Some(connection),
                is_synced: synchronous == Synchronous::Full,
                is_lasting_synced: synchronous == Synchronous::Full,
                sql,
                rehearsals,
                of: opening.file.setbacks(),
                opening,
                failures: 0,
                seen_version: None,
            },
            signal,
        };
        spawn(WRITING.scope(id, task.run()));
        Self { jobs, id }
    }

    /// Runs code of sync actions as the writing task does: what they ask of the writer is refused.
    pub(crate) fn as_inside<T>(&self, run: impl FnOnce() -> T) -> T {
        WRITING.sync_scope(self.id, run)
    }

    /// A sync action that waited for the writer would wait for itself, and everybody else with it.
    async fn send(&self, order: Order) -> Result<(), BackendError> {
        if WRITING.try_with(|id| *id == self.id).unwrap_or(false) {
            let text = "a sync action cannot write by its app while SQLite's one writer runs it, which would never end: write through its `Tx`, or dispatch from a `#[reaction]` or an `#[after_sync]`";
            return Err(BackendError::Refused(text.into()));
        }
        self.jobs.send(order).await.map_err(|_| gone())
    }

    /// Runs `work` inside the next transaction, and resolves when that is committed.
    pub(crate) async fn run<T, E, F>(&self, effect: Effect, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<BackendError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(TypedJob::new(effect, work, reply));
        self.send(Order::Work(job)).await?;
        answer.await.map_err(|_| gone())?
    }

    /// Stores what needs no code of its own inside the next transaction, and resolves when that is committed.
    pub(crate) async fn store(&self, plain: Plain) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let order = Order::Store(PlainJob { plain, reply });
        self.send(order).await?;
        answer.await.map_err(|_| gone())?
    }

    /// Acknowledges with what sync actions make of these rows, inside the next transaction, and resolves when that is
    /// committed.
    pub(crate) async fn change(&self, ack: Ack, wanted: RowsWanted) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let order = Order::Change(Box::new(rows_job(ack, wanted, reply)));
        self.send(order).await?;
        answer.await.map_err(|_| gone())?
    }
}

/// An acknowledgement without appends whose sync actions want rows.
fn rows_job(ack: Ack, wanted: RowsWanted, reply: oneshot::Sender<Outcome>) -> RowsJob {
    let progress = Progress {
        claim: ack.claim.clone(),
        upto: ack.upto,
        refusals: ack.refusals.clone(),
        documents: DocumentWrites::new(),
    };
    let plain = Plain {
        appends: Vec::new(),
        progress: Some(progress),
    };
    RowsJob {
        ack,
        wanted,
        plain,
        reply,
    }
}

struct WritingTask {
    waiting: mpsc::Receiver<Order>,
    link: Link,
    signal: Signal,
}

impl WritingTask {
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                n_jobs = self.waiting.recv_many(&mut batch, BATCH) => {
                    if n_jobs == 0 {
                        break;
                    }
                    self.commit(&mut batch).await;
                }
                _ = ticks.tick() => {
                    if self.link.others_have_committed().await {
                        self.signal.raise();
                    }
                }
            }
        }
        self.link.close().await;
    }

    async fn commit(&mut self, orders: &mut Vec<Order>) {
        let mut batch: Batch = orders.drain(..).collect();
        let has_lasting = batch.has_lasting();
        let result = self.link.transaction(&mut batch).await;
        let is_stored = result.is_ok();
        batch.answer(result);
        if has_lasting && is_stored {
            self.signal.raise();
        }
        if !is_stored {
            self.link.pause().await;
        }
    }
}

/// The connection, opened again when it breaks.
struct Link {
    sql: Arc<Statements>,
    rehearsals: Arc<Rehearsals>,
    opening: Opening,
    connection: Option<SqliteConnection>,
    /// How often the file had been replaced when the connection was opened.
    of: u64,
    /// Whether the connection waits for the disk when it commits.
    is_synced: bool,
    /// Whether it does so for what has to last; the options may say no.
    is_lasting_synced: bool,
    failures: u32,
    seen_version: Option<i64>,
}

impl Link {
    /// One transaction around all of a batch. On an error nothing of it is stored.
    async fn transaction(&mut self, batch: &mut Batch) -> Result<Vec<Outcome>, BackendError> {
        let result = self.try_transaction(batch).await;
        if result.is_ok() {
            self.failures = 0;
        } else {
            // Closing the connection rolls back whatever is still open, however the two sides came to disagree.
            self.failures = self.failures.saturating_add(1);
            self.close().await;
        }
        result
    }

    async fn try_transaction(&mut self, batch: &mut Batch) -> Result<Vec<Outcome>, BackendError> {
        self.sync_if(batch.has_lasting() && self.is_lasting_synced)
            .await?;
        let (sql, rehearsals) = (Arc::clone(&self.sql), Arc::clone(&self.rehearsals));
        let connection = self.open().await?;
        let plain: Vec<&Plain> = batch.plain.iter().map(|job| &job.plain).collect();
        if batch.jobs.is_empty() && batch.rows.is_empty() {
            return together::commit(connection, &sql, &plain).await;
        }
        let mut transaction = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(error::backend)?;
        let mut outcomes = together::store(&mut transaction, &sql, &plain).await?;
        outcomes.extend(staging::store(&mut transaction, &sql, &rehearsals, &batch.rows).await?);
        match &mut *batch.jobs {
            // Whoever is alone needs no savepoint: the transaction is theirs.
            [job] if outcomes.is_empty() => match job.run(&mut transaction).await {
                Verdict::Keep => transaction.commit().await.map_err(error::backend)?,
                Verdict::RollBack => transaction.rollback().await.map_err(error::backend)?,
            },
            jobs => {
                for job in jobs {
                    let mut savepoint = transaction.begin().await.map_err(error::backend)?;
                    let verdict = job.run(&mut savepoint).await;
                    // Both fail when SQLite has rolled back the whole transaction, as it does on a full disk: then
                    // nothing of the batch may be reported as stored.
                    match verdict {
                        Verdict::Keep => savepoint.commit().await.map_err(error::backend)?,
                        Verdict::RollBack => savepoint.rollback().await.map_err(error::backend)?,
                    }
                }
                transaction.commit().await.map_err(error::backend)?;
            }
        }
        ended(connection)?;
        Ok(outcomes)
    }

    async fn open(&mut self) -> Result<&mut SqliteConnection, BackendError> {
        let of = self.opening.file.look()?;
        if self.of != of {
            self.close().await;
        }
        if self.connection.is_none() {
            self.connection = Some(self.opening.open().await?);
            self.of = of;
            self.is_synced = self.is_lasting_synced;
            self.seen_version = None;
        }
        let gone = || BackendError::Unavailable("the connection is gone".into());
        self.connection.as_mut().ok_or_else(gone)
    }

    /// In WAL mode a commit that does not wait for the disk may be undone by a power cut, and by nothing else; the next
    /// one that waits makes it last, too.
    async fn sync_if(&mut self, sync: bool) -> Result<(), BackendError> {
        self.open().await?;
        if self.is_synced == sync {
            return Ok(());
        }
        let pragma = if sync {
            "PRAGMA synchronous = FULL"
        } else {
            "PRAGMA synchronous = NORMAL"
        };
        let done = sqlx::raw_sql(pragma).execute(self.open().await?).await;
        done.map_err(error::backend)?;
        self.is_synced = sync;
        Ok(())
    }

    async fn others_have_committed(&mut self) -> bool {
        // Failures are left to the next transaction, which has somebody to tell them to.
        if self.connection.is_none() {
            return false;
        }
        let of = self.of;
        let Ok(connection) = self.open().await else {
            return false;
        };
        let Ok(version) = data_version(connection).await else {
            return false;
        };
        let seen = self.seen_version.replace(version);
        self.of != of || seen.is_some_and(|seen| seen != version)
    }

    async fn close(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "closing the writing connection failed");
        }
    }

    /// Waits longer after each failure in a row, so that a file that cannot be opened is not hammered.
    async fn pause(&self) {
        let factor = 2_u32.saturating_pow(self.failures.saturating_sub(1));
        pause(FIRST_BACKOFF.saturating_mul(factor).min(LAST_BACKOFF)).await;
    }
}

/// A savepoint that a sync action has forgotten took the commit for its own.
fn ended(connection: &SqliteConnection) -> Result<(), BackendError> {
    if connection.is_in_transaction() {
        let text = "a sync action left a transaction open";
        return Err(BackendError::Refused(text.into()));
    }
    Ok(())
}

/// Waits.
#[expect(
    clippy::disallowed_methods,
    reason = "real I/O lives on tokio; no simulator runs a real file"
)]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the task belongs to the connection, and real I/O lives on tokio"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;
    use crate::backend::Sqlite;

    const NORMAL: i64 = 1;
    const FULL: i64 = 2;

    async fn synchronous(store: &Sqlite, effect: Effect) -> i64 {
        let read = store.inner.writer.run(effect, |connection| {
            Box::pin(async move {
                let row = sqlx::raw_sql("PRAGMA synchronous").fetch_one(connection);
                Ok::<i64, BackendError>(row.await.unwrap().get(0))
            })
        });
        read.await.unwrap()
    }

    #[tokio::test]
    async fn what_has_to_last_waits_for_the_disk_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let careful = Sqlite::open(folder.path().join("a.db")).await.unwrap();
        let builder = Sqlite::builder().synchronous(Synchronous::Normal);
        let quick = builder.open(folder.path().join("b.db")).await.unwrap();
        for _ in 0..3 {
            assert_eq!(synchronous(&careful, Effect::Lasting).await, FULL);
            assert_eq!(synchronous(&careful, Effect::Redone).await, NORMAL);
            assert_eq!(synchronous(&quick, Effect::Lasting).await, NORMAL);
            assert_eq!(synchronous(&quick, Effect::Redone).await, NORMAL);
        }
    }

    #[tokio::test]
    async fn the_task_ends_with_the_last_handle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = Sqlite::open(&path).await.unwrap();
        let clone = store.clone();
        let jobs = store.inner.writer.jobs.downgrade();
        drop(store);
        assert!(jobs.upgrade().is_some());
        drop(clone);
        assert!(jobs.upgrade().is_none());
    }
}
