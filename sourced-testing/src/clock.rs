//! A clock that stands still until it is moved.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sourced::Timestamp;
use sourced::env::Clock;
use tokio::sync::watch;

/// A clock that stands still until a test moves it. Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use sourced::env::Clock;
/// use sourced_testing::ManualClock;
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().saturating_since(before), Duration::from_secs(60));
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
