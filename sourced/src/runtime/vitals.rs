//! What the tasks of this process's workers show of themselves while they run.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use super::lane::LaneTasks;
use crate::backend::WorkerId;
use crate::telemetry;
use crate::time::Timestamp;

/// Of one call of [`App::start`](crate::App::start).
pub(super) struct Vitals {
    pub(super) worker: WorkerId,
    /// Kept here and not by who has started them: when that is dropped they run on, and go on to wait for it.
    pub(super) stop: watch::Sender<bool>,
    pub(super) lanes: Arc<LaneTasks>,
    /// Claimer, renewer, promoter, watcher.
    pub(super) tasks: [Arc<Pulse>; 4],
    /// One for each recurrence.
    pub(super) tickers: Vec<Arc<Pulse>>,
    /// Where there are later versions of projections.
    pub(super) swapper: Option<Arc<Pulse>>,
    pub(super) promoter_looked: Arc<LastLook>,
}

impl Vitals {
    pub(super) fn new(
        worker: WorkerId,
        lanes: Arc<LaneTasks>,
        n_tickers: usize,
        has_swapper: bool,
        stop: watch::Sender<bool>,
    ) -> Self {
        let tasks = ["claimer", "renewer", "promoter", "watcher"];
        Self {
            worker,
            stop,
            lanes,
            tasks: tasks.map(|name| Arc::new(Pulse::new(name))),
            tickers: (0..n_tickers)
                .map(|_| Arc::new(Pulse::new("ticker")))
                .collect(),
            swapper: has_swapper.then(|| Arc::new(Pulse::new("swapper"))),
            promoter_looked: Arc::default(),
        }
    }

    /// Whether they were told to stop, and are letting handlers finish.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vitals")
            .field("worker", &self.worker)
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}

/// Of one supervised task.
#[derive(Debug)]
pub(super) struct Pulse {
    pub(super) name: &'static str,
    is_alive: AtomicBool,
    n_restarts: AtomicU32,
}

impl Pulse {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            // It is about to be started.
            is_alive: AtomicBool::new(true),
            n_restarts: AtomicU32::new(0),
        }
    }

    /// Held by the task as long as it runs; it ends when the task is aborted or dropped, too.
    pub(super) fn beat(self: &Arc<Self>) -> Beat {
        Beat(Arc::clone(self))
    }

    pub(super) fn restarts(&self) {
        self.n_restarts.fetch_add(1, Ordering::Relaxed);
        telemetry::RESTARTS.add(1, &[("task", self.name)]);
    }

    pub(super) fn is_alive(&self) -> bool {
        self.is_alive.load(Ordering::Relaxed)
    }

    pub(super) fn n_restarts(&self) -> u32 {
        self.n_restarts.load(Ordering::Relaxed)
    }
}

/// A task is running.
pub(super) struct Beat(Arc<Pulse>);

impl Drop for Beat {
    fn drop(&mut self) {
        self.0.is_alive.store(false, Ordering::Relaxed);
    }
}

/// When something was last done with success.
#[derive(Debug, Default)]
pub(super) struct LastLook(Mutex<Option<Timestamp>>);

impl LastLook {
    pub(super) fn note(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    pub(super) fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The workers that an app has started and not stopped. It does not keep them: they keep themselves, by running.
#[derive(Debug, Default)]
pub(super) struct WorkersHere(Mutex<Vec<Weak<Vitals>>>);

impl WorkersHere {
    pub(super) fn add(&self, vitals: &Arc<Vitals>) {
        self.lock().push(Arc::downgrade(vitals));
    }

    pub(super) fn remove(&self, worker: WorkerId) {
        let is_other =
            |vitals: &Weak<Vitals>| vitals.upgrade().is_some_and(|it| it.worker != worker);
        self.lock().retain(is_other);
    }

    pub(super) fn all(&self) -> Vec<Arc<Vitals>> {
        self.lock().iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Vitals>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
