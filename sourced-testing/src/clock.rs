//! A clock that stands still until it is moved.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::env::{Clock, Env, SystemRandom, V7Ids};
use sourced::runtime::AppBuilder;
use sourced::{App, Memory, Timestamp};
use tokio::sync::watch;

/// A clock that stands still until a test moves it. Clones show the same time.
///
/// [`App::idle`] resolves with it too, and waits for what has become due: move the clock, wait, and look. A message that
/// failed is tried again when the clock has passed its pause, and [`Receipt::outcome`](sourced::Receipt::outcome) looks
/// again when it was moved.
///
/// ```
/// use std::time::Duration;
/// use sourced::prelude::*;
/// use sourced_testing::ManualClock;
///
/// #[derive(Debug, Default)]
/// struct Egg {
///     is_done: bool,
/// }
///
/// #[actor]
/// impl Egg {
///     #[command]
///     fn boil(&self) -> Boiled {
///         Boiled
///     }
///
///     #[event]
///     fn boiled(&mut self) {}
///
///     #[reaction]
///     fn wait(&self, _: &Boiled) -> Outgoing<TakeOut> {
///         TakeOut.after(Duration::from_mins(6))
///     }
///
///     #[command]
///     fn take_out(&self) -> Done {
///         Done
///     }
///
///     #[event]
///     fn done(&mut self) {
///         self.is_done = true;
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = ManualClock::new();
/// let app = clock.app().register::<Egg>().build().await?;
/// let workers = app.start();
/// app.actor::<Egg>("egg-1").boil().await?;
/// app.idle().await?;
/// assert!(!app.load::<Egg>("egg-1").await?.state().is_done);
///
/// clock.advance(Duration::from_mins(6));
/// app.idle().await?;
/// assert!(app.load::<Egg>("egg-1").await?.state().is_done);
/// workers.stop().await;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<watch::Sender<Timestamp>>,
}

impl ManualClock {
    /// A clock that shows some moment of the year 2023.
    pub fn new() -> Self {
        Self::starting_at(Timestamp::from_micros(1_700_000_000_000_000))
    }

    /// A clock that shows this moment.
    pub fn starting_at(now: Timestamp) -> Self {
        Self {
            now: Arc::new(watch::Sender::new(now)),
        }
    }

    /// The ports of an app that goes by this clock: times, pauses, and the ids of messages. All else is the system's.
    pub fn env(&self) -> Env {
        let clock: Arc<dyn Clock> = Arc::new(self.clone());
        Env {
            ids: Arc::new(V7Ids::new(Arc::clone(&clock), Arc::new(SystemRandom))),
            clock,
            ..Env::system()
        }
    }

    /// An empty store that goes by this clock. Its clones are the same store, for an app after a restart.
    pub fn memory(&self) -> Memory {
        Memory::with_clock(Arc::new(self.clone()))
    }

    /// Starts to build an app that goes by this clock, and stores in a [`memory`](Self::memory) of its own. The databases
    /// have clocks of their own, which nobody moves.
    pub fn app(&self) -> AppBuilder {
        App::builder_in(self.env()).backend(self.memory())
    }

    /// Moves the clock; all who sleep until then or less wake up.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.saturating_add(by));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut now = self.now.subscribe();
        let until = now.borrow().saturating_add(duration);
        Box::pin(async move {
            if now.wait_for(|now| *now >= until).await.is_err() {
                // The clock is gone, so its time never comes.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_sleeper_wakes_when_the_clock_has_passed_its_time() {
        let clock = ManualClock::new();
        let mut sleep = clock.sleep(Duration::from_secs(10));
        clock.advance(Duration::from_secs(9));
        assert_eq!((&mut sleep).now_or_never(), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(sleep.now_or_never(), Some(()));
    }

    #[test]
    fn sleeping_for_no_time_is_over_at_once() {
        let sleep = ManualClock::new().sleep(Duration::ZERO);
        assert_eq!(sleep.now_or_never(), Some(()));
    }
}
