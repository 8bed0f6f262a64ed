//! Simulated processes: their ports, and how the app sees them while it is built.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::Timestamp;
use sourced::env::{Clock, Env, Spawner, V7Ids};

use super::dice::{Dice, mix};
use super::executor::{Executor, Life};
use super::link::Link;
use super::outside::Outside;

/// A process that the app is built for: each time one starts, and once for each client.
#[derive(Debug)]
pub struct Process {
    pub(super) link: Link,
}

impl Process {
    /// Its name in stories: `worker A`, `client 1`.
    pub fn name(&self) -> &str {
        self.link.name()
    }

    /// Something outside of the app, to be called by handlers: make a resource of it.
    pub fn outside<T: Default + Send + Sync + 'static>(&self) -> Outside<T> {
        self.link.outside()
    }
}

/// When a history begins.
pub(super) const BEGINNING: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

/// The moment so many microseconds after the beginning.
pub(super) fn moment(micros: u64) -> Timestamp {
    BEGINNING.saturating_add(Duration::from_micros(micros))
}

/// A clock that goes right, but need not show the right time.
#[derive(Debug, Clone)]
pub(super) struct SimulatedClock {
    executor: Arc<Executor>,
    /// In microseconds.
    ahead_by: Arc<AtomicI64>,
}

impl SimulatedClock {
    pub(super) fn new(executor: &Arc<Executor>, ahead_by: i64) -> Self {
        Self {
            executor: Arc::clone(executor),
            ahead_by: Arc::new(AtomicI64::new(ahead_by)),
        }
    }

    pub(super) fn set(&self, by: Duration, is_back: bool) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let by = if is_back { -by } else { by };
        self.ahead_by.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let right = moment(self.executor.now()).as_micros();
        Timestamp::from_micros(right.saturating_add(self.ahead_by.load(Ordering::Relaxed)))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.executor.sleep(duration))
    }
}

#[derive(Debug)]
struct SimulatedSpawner {
    executor: Arc<Executor>,
    life: Life,
}

impl Spawner for SimulatedSpawner {
    fn spawn_boxed(&self, task: BoxFuture<'static, ()>) {
        self.executor.spawn(self.life, task);
    }
}

/// The ports of one life of a process.
pub(super) fn ports(
    executor: &Arc<Executor>,
    life: Life,
    clock: &SimulatedClock,
    seed: u64,
) -> Env {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    Env {
        ids: Arc::new(V7Ids::new(
            Arc::clone(&clock),
            Arc::new(Dice::new(mix(seed, 4))),
        )),
        random: Arc::new(Dice::new(mix(seed, 5))),
        spawner: Arc::new(SimulatedSpawner {
            executor: Arc::clone(executor),
            life,
        }),
        clock,
    }
}

/// What there is one of in each process: told by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Worker(usize),
    Client(usize),
    /// Looks, and is seen by nobody.
    Observer,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(nth) if *nth < 26 => {
                let letter = char::from(b'A' + u8::try_from(*nth).unwrap_or_default());
                write!(f, "worker {letter}")
            }
            Self::Worker(nth) => write!(f, "worker {nth}"),
            Self::Client(nth) => write!(f, "client {}", nth + 1),
            Self::Observer => f.write_str("observer"),
        }
    }
}
