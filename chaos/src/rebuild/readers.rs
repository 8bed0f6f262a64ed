//! Those who query the table all the time, and compare what they see with what was seen before.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sourced::App;
use sourced::table::Row;
use tokio::task::JoinSet;

use super::domain::{Takings, TakingsOfTwo};
use super::programs;
use crate::database::Database;

/// Readers of each program.
const READERS: usize = 2;
/// So that they leave something of the machine to the others.
const PAUSE: Duration = Duration::from_millis(5);

/// So many problems of a sort are told; the others are only counted.
const TOLD: u64 = 10;

/// What one query has told of the whole table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    version: u64,
    stalls: u64,
    sales: u64,
    cents: u64,
}

impl Look {
    /// Whether everything in it is at least as far as in an earlier one.
    fn is_no_step_back(&self, earlier: &Self) -> bool {
        self.version >= earlier.version
            && self.stalls >= earlier.stalls
            && self.sales >= earlier.sales
            && self.cents >= earlier.cents
    }

    fn furthest(self, other: Self) -> Self {
        Self {
            version: self.version.max(other.version),
            stalls: self.stalls.max(other.stalls),
            sales: self.sales.max(other.sales),
            cents: self.cents.max(other.cents),
        }
    }
}

/// What all readers have come to.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) reads: AtomicU64,
    /// Reads that saw less than another one which was over before they began: an older version, or fewer rows, sales or
    /// cents.
    pub(super) stepped_back: AtomicU64,
    /// Reads with rows of more than one version.
    pub(super) mixed: AtomicU64,
    /// Reads that failed.
    pub(super) failed: AtomicU64,
    is_over: AtomicBool,
    furthest: Mutex<Look>,
}

/// All readers, until they are told to stop.
pub(super) struct Readers {
    found: Arc<Found>,
    tasks: JoinSet<()>,
}

impl Readers {
    /// Two of the older program and two of the newer one, which are there before it is live.
    pub(super) async fn start(database: &Database) -> anyhow::Result<Self> {
        let found = Arc::new(Found::default());
        let mut tasks = JoinSet::new();
        for _ in 0..READERS {
            let (old, new) = (
                programs::open::<Takings>(database).await?,
                programs::open::<TakingsOfTwo>(database).await?,
            );
            tasks.spawn(read::<Takings>(old, Arc::clone(&found)));
            tasks.spawn(read::<TakingsOfTwo>(new, Arc::clone(&found)));
        }
        Ok(Self { found, tasks })
    }

    pub(super) async fn stop(self) -> Arc<Found> {
        self.found.is_over.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.found
    }
}

async fn read<R: Row + Into<Takings>>(app: App, found: Arc<Found>) {
    while !found.is_over.load(Ordering::Relaxed) {
        let before = *found
            .furthest
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let rows = app.rows::<R>().all().await;
        found.reads.fetch_add(1, Ordering::Relaxed);
        match rows {
            Ok(rows) => {
                let rows: Vec<Takings> = rows.into_iter().map(Into::into).collect();
                found.compare(&rows, before);
            }
            Err(error) => note(&found.failed, format_args!("a read failed: {error:#}")),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Found {
    fn compare(&self, rows: &[Takings], before: Look) {
        let mut now = Look::default();
        for row in rows {
            now.version = now.version.max(row.version);
            now.stalls += 1;
            now.sales += row.sales;
            now.cents += row.cents;
        }
        if rows.iter().any(|row| row.version != now.version) {
            note(&self.mixed, format_args!("rows of two versions: {rows:?}"));
        }
        if !now.is_no_step_back(&before) {
            note(&self.stepped_back, format_args!("{now:?} after {before:?}"));
        }
        let mut furthest = self.furthest.lock().unwrap_or_else(PoisonError::into_inner);
        *furthest = furthest.furthest(now);
    }
}

/// Counts one problem.
fn note(count: &AtomicU64, what: std::fmt::Arguments<'_>) {
    if count.fetch_add(1, Ordering::Relaxed) < TOLD {
        eprintln!("wrong: {what}");
    }
}
