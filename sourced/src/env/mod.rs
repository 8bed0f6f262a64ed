//! The ports through which the runtime reaches time, chance, identifiers and tasks.
//!
//! Nothing else in this crate reads a clock, draws a random number, makes an id or starts a task. That is what lets a
//! simulator run the very same workers from one seed: it brings its own four ports.

mod clock;
mod ids;
mod random;
mod spawn;

pub use clock::Clock;
#[cfg(feature = "tokio")]
pub use clock::SystemClock;
pub use ids::{Ids, V7Ids};
pub use random::{Random, SystemRandom};
#[cfg(feature = "tokio")]
pub use spawn::TokioSpawner;
pub use spawn::{Spawner, Task};

use std::sync::Arc;

/// One set of ports, shared by everything that runs in an app.
#[derive(Clone, Debug)]
pub struct Env {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance: jitter of backoffs, order of ties.
    pub random: Arc<dyn Random>,
    /// Identifiers of messages and workers.
    pub ids: Arc<dyn Ids>,
    /// Tasks.
    pub spawner: Arc<dyn Spawner>,
}

#[cfg(feature = "tokio")]
impl Env {
    /// The real ones: the system's clock, the thread's random numbers, UUIDv7, tasks on tokio.
    pub fn system() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        Self {
            ids: Arc::new(V7Ids::new(Arc::clone(&clock), Arc::clone(&random))),
            clock,
            random,
            spawner: Arc::new(TokioSpawner),
        }
    }
}
