//! Workers at work, and stopping them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::app::Inner;
use super::claimer::Claimer;
use super::lane::LaneTasks;
use super::promoter::Promoter;
use super::renewer::Renewer;
use super::supervisor::supervise;
use super::swapper::{self, Swapper};
use super::ticker::Ticker;
use super::vitals::Vitals;
use super::watcher::Watcher;
use crate::backend::WorkerId;
use crate::env::Task;
use crate::telemetry;

/// How long the storage may take to take claims back.
const GIVE_BACK_WITHIN: Duration = Duration::from_secs(1);

/// Workers of an app, running in the background. Made by [`App::start`](crate::App::start).
///
/// Dropping it does not stop them; [`Running::stop`] does.
#[must_use = "workers run on until `stop` is called"]
pub struct Running {
    app: Arc<Inner>,
    vitals: Arc<Vitals>,
    tasks: Vec<Task<()>>,
}

/// What a stop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StopReport {
    /// Handlers that had not finished in time. Their messages will be handled again.
    pub aborted: usize,
    /// Messages these workers handled and acknowledged, each once per group that handles it.
    pub handled: u64,
}

impl Running {
    pub(super) fn start(app: &Arc<Inner>) -> Self {
        telemetry::describe();
        let env = &app.services.env;
        let worker = WorkerId::from_uuid(env.ids.next_id());
        let (stop, stopped) = watch::channel(false);
        let lanes = Arc::new(LaneTasks::new(Arc::clone(app), stopped.clone()));
        let claimer = Claimer::new(Arc::clone(app), worker, Arc::clone(&lanes), stopped.clone());
        let renewer = Renewer::new(Arc::clone(app), Arc::clone(&lanes));
        let vitals = Arc::new(Vitals::new(
            worker,
            lanes,
            app.recurring.len(),
            swapper::is_needed(app),
            stop,
        ));
        app.workers_here.add(&vitals);
        let looked = Arc::clone(&vitals.promoter_looked);
        let promoter = Promoter::new(Arc::clone(app), looked, stopped.clone());
        let watcher = Watcher::new(Arc::clone(app), Arc::clone(&vitals));
        let [claiming, renewing, promoting, watching] = &vitals.tasks;
        let mut tasks = vec![
            supervise(env, claiming, stopped.clone(), move || {
                claimer.clone().run()
            }),
            supervise(env, renewing, stopped.clone(), move || {
                renewer.clone().run()
            }),
            supervise(env, promoting, stopped.clone(), move || {
                promoter.clone().run()
            }),
            supervise(env, watching, stopped.clone(), move || {
                watcher.clone().run()
            }),
        ];
        if let Some(swapping) = &vitals.swapper {
            let swapper = Swapper::new(Arc::clone(app), stopped.clone());
            tasks.push(supervise(env, swapping, stopped.clone(), move || {
                swapper.clone().run()
            }));
        }
        for (recipe, ticking) in app.recurring.iter().zip(&vitals.tickers) {
            let ticker = Ticker::new(Arc::clone(app), Arc::clone(recipe), stopped.clone());
            tasks.push(supervise(env, ticking, stopped.clone(), move || {
                ticker.clone().run()
            }));
        }
        Self {
            app: Arc::clone(app),
            vitals,
            tasks,
        }
    }

    /// The id under which these workers hold claims.
    pub fn worker(&self) -> WorkerId {
        self.vitals.worker
    }

    /// Claims nothing more, lets running handlers finish within
    /// [`WorkerOptions::stop_within`](crate::WorkerOptions::stop_within), and gives back what is left.
    ///
    /// It has come to its end a second after that at the latest, whatever the storage does: what cannot be given back by then
    /// comes back with its lease. Who gives it up ends nothing by that: the workers stop all the same.
    pub async fn stop(self) -> StopReport {
        self.vitals.stop.send_replace(true);
        let vitals = Arc::clone(&self.vitals);
        let spawner = Arc::clone(&self.app.services.env.spawner);
        // A task of its own, which nobody gives up.
        let stopped = spawner.spawn(self.end()).await;
        stopped.unwrap_or_else(|| StopReport {
            aborted: 0,
            handled: vitals.lanes.n_handled(),
        })
    }

    async fn end(self) -> StopReport {
        let (clock, lanes) = (&self.app.services.env.clock, &self.vitals.lanes);
        let mut tasks = self.tasks;
        // The claimer ends first: it may be about to hand over what it has just claimed.
        let finished = async {
            if let Some(claimer) = tasks.first_mut() {
                claimer.await;
            }
            lanes.finished().await;
        };
        let time_is_up = clock.sleep(self.app.workers.stop_within);
        tokio::select! {
            biased;
            () = finished => {}
            () = time_is_up => {}
        }
        for task in &tasks {
            task.abort();
        }
        // What was ended in the middle of a claim hands over nothing once it has noticed, and the promoter puts nothing into
        // its stream. All that is left shares one limit.
        let time_is_up = clock.sleep(GIVE_BACK_WITHIN);
        let mut aborted = 0;
        let given_back = async {
            for task in tasks.iter_mut().filter(|task| !task.is_finished()) {
                task.await;
            }
            let left = lanes.abort();
            aborted = left.len();
            lanes.give_back(left).await;
        };
        tokio::select! {
            biased;
            () = given_back => {}
            () = time_is_up => {}
        }
        // None, unless a task did not end in time.
        aborted += lanes.abort().len();
        self.app.workers_here.remove(self.vitals.worker);
        StopReport {
            aborted,
            handled: lanes.n_handled(),
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("vitals", &self.vitals)
            .finish_non_exhaustive()
    }
}

/// Resolves when the operating system asks the program to stop: SIGTERM or ctrl-c.
#[cfg(all(feature = "tokio", unix))]
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Resolves when the operating system asks the program to stop: ctrl-c.
#[cfg(all(feature = "tokio", not(unix)))]
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
