//! Health: how the app, its storage and this process's workers are.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::App;
use super::app::Inner;
use super::in_flight::RunningHandler;
use super::vitals::Vitals;
use crate::backend::{BackendError, GroupState, WorkerId};
use crate::stream::{GroupId, Position};
use crate::time::Timestamp;

/// How long the storage may take to answer each question of a health check.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How an app is, from where this process stands. Told by [`App::health`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The storage.
    pub backend: BackendHealth,
    /// The workers that this app has started in this process, in the order of their start.
    pub workers: Vec<WorkersHealth>,
    /// The groups that this app has registered, in the order of their registration.
    pub groups: Vec<GroupHealth>,
}

/// How the storage is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BackendHealth {
    /// How long it took to answer, in seconds when serialized.
    #[serde(serialize_with = "seconds")]
    pub latency: Duration,
    /// The last position of the log; `None` when it did not answer.
    pub log_end: Option<Position>,
    /// Why it did not answer, or takes no writes.
    pub error: Option<String>,
    /// How often this process has noticed that the log is not the one that it knew. It does not count against it: the app has
    /// gone on from what is there.
    pub setbacks: u64,
}

/// How the workers of one [`App::start`] are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkersHealth {
    /// The id under which they hold claims.
    pub worker: WorkerId,
    /// Whether they were told to stop, and are letting handlers finish.
    pub is_stopping: bool,
    /// The tasks they consist of, apart from handlers.
    pub tasks: Vec<TaskHealth>,
    /// Lanes that are being handled.
    pub lanes_in_flight: usize,
    /// The handler that has been at one message for the longest time.
    pub longest_running: Option<RunningHandler>,
    /// Handlers that were reported as slow and are still running.
    pub slow: Vec<RunningHandler>,
    /// When the promoter last had an answer from the storage.
    pub promoter_succeeded_at: Option<Timestamp>,
}

/// How a task of the runtime is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TaskHealth {
    /// Which one.
    pub name: &'static str,
    /// Whether it runs, or is about to be started again.
    pub is_alive: bool,
    /// How often it was started again after a panic.
    pub restarts: u32,
}

/// How a group is, wherever its workers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupHealth {
    /// Its name.
    pub group: GroupId,
    /// Whether workers are given its work; `None` when the storage did not answer.
    pub state: Option<GroupState>,
    /// Streams in which it has work that is not acknowledged, parked ones apart; `None` when the storage did not answer.
    pub pending_lanes: Option<u64>,
    /// Streams of it that are parked, counted up to [`GroupStatus::MOST_COUNTED`](crate::backend::GroupStatus::MOST_COUNTED);
    /// `None` when the storage did not answer.
    pub parked_lanes: Option<u64>,
}

impl Health {
    /// Whether the storage answers and takes writes, and no task of this process's workers has ended without being told to. A slow handler,
    /// a parked stream or work that waits does not count against it: starting the process again would not help.
    pub fn is_ok(&self) -> bool {
        let working = self.workers.iter().filter(|workers| !workers.is_stopping);
        let mut tasks = working.flat_map(|workers| &workers.tasks);
        self.backend.error.is_none() && tasks.all(|task| task.is_alive)
    }
}

impl App {
    /// Looks how the storage, this process's workers and the groups are. It can be serialized, for a health check over
    /// HTTP perhaps.
    ///
    /// What the storage does not answer within five seconds is told as not answered, and nothing more is asked then.
    ///
    /// ```
    /// use sourced::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().build().await?;
    /// let workers = app.start();
    /// let health = app.health().await;
    /// assert!(health.is_ok());
    /// assert_eq!(health.workers[0].lanes_in_flight, 0);
    /// # workers.stop().await;
    /// # Ok(()) }
    /// ```
    pub async fn health(&self) -> Health {
        let app = &*self.inner;
        let backend = backend_health(app).await;
        let does_answer = backend.error.is_none();
        let parked = if does_answer {
            parked_lanes(app).await
        } else {
            None
        };
        let mut groups = Vec::new();
        for group in app.groups() {
            let mut health = group_health(app, group, does_answer).await;
            let of_group = |parked: &HashMap<_, _>| parked.get(&health.group).copied();
            health.parked_lanes = parked.as_ref().and_then(of_group);
            groups.push(health);
        }
        let workers = app.workers_here.all();
        Health {
            backend,
            workers: workers.iter().map(|it| workers_health(app, it)).collect(),
            groups,
        }
    }
}

async fn backend_health(app: &Inner) -> BackendHealth {
    let clock = &app.services.env.clock;
    let asked = clock.now();
    let answer = in_time(app, app.services.backend.log_end()).await;
    let latency = clock.now().saturating_since(asked);
    let (log_end, error) = match answer {
        Ok(log_end) => {
            let takes_writes = in_time(app, app.services.backend.takes_writes()).await;
            (Some(log_end), takes_writes.err())
        }
        Err(error) => (None, Some(error)),
    };
    BackendHealth {
        latency,
        log_end,
        error,
        setbacks: app.services.backend.setbacks(),
    }
}

async fn group_health(app: &Inner, group: GroupId, does_answer: bool) -> GroupHealth {
    let mut health = GroupHealth {
        group,
        state: None,
        pending_lanes: None,
        parked_lanes: None,
    };
    if does_answer {
        let (backend, group) = (&app.services.backend, &health.group);
        let pending = backend.pending_lanes(std::slice::from_ref(group));
        let state = in_time(app, backend.group_state(group)).await.ok();
        health.pending_lanes = in_time(app, pending).await.ok();
        health.state = state;
    }
    health
}

async fn parked_lanes(app: &Inner) -> Option<HashMap<GroupId, u64>> {
    let groups = in_time(app, app.services.backend.groups()).await.ok()?;
    let parked = groups.into_iter().map(|group| (group.id, group.parked));
    Some(parked.collect())
}

fn workers_health(app: &Inner, vitals: &Vitals) -> WorkersHealth {
    let now = app.services.env.clock.now();
    let in_flight = vitals.lanes.in_flight();
    let longest = in_flight.iter().max_by_key(|handler| handler.busy_for(now));
    let slow = in_flight.iter().filter(|handler| handler.is_reported());
    WorkersHealth {
        worker: vitals.worker,
        is_stopping: vitals.is_stopping(),
        tasks: vitals
            .tasks
            .iter()
            .chain(&vitals.tickers)
            .chain(&vitals.swapper)
            .map(|task| TaskHealth {
                name: task.name,
                is_alive: task.is_alive(),
                restarts: task.n_restarts(),
            })
            .collect(),
        lanes_in_flight: in_flight.len(),
        longest_running: longest.map(|handler| handler.told()),
        slow: slow.map(|handler| handler.told()).collect(),
        promoter_succeeded_at: vitals.promoter_looked.get(),
    }
}

async fn in_time<T>(
    app: &Inner,
    answer: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, String> {
    let time_is_up = app.services.env.clock.sleep(ANSWER_WITHIN);
    tokio::select! {
        biased;
        answer = answer => answer.map_err(|error| error.to_string()),
        () = time_is_up => Err(format!("no answer within {ANSWER_WITHIN:?}")),
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
