//! Long-running tasks that come back when they fall over.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;

use super::vitals::Pulse;
use crate::env::{Env, Task};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs a task until it ends by itself. A panic is logged, and the task starts again after a growing pause.
pub(super) fn supervise<F>(
    env: &Env,
    pulse: &Arc<Pulse>,
    stopped: watch::Receiver<bool>,
    mut task: impl FnMut() -> F + Send + 'static,
) -> Task<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let clock = env.clock.clone();
    let pulse = Arc::clone(pulse);
    env.spawner.spawn(async move {
        let _beat = pulse.beat();
        let mut pause = FIRST_PAUSE;
        while AssertUnwindSafe(task()).catch_unwind().await.is_err() {
            if *stopped.borrow() {
                return;
            }
            pulse.restarts();
            tracing::error!(
                task = pulse.name,
                ?pause,
                "a task of the runtime panicked; it starts again after a pause"
            );
            clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    })
}
