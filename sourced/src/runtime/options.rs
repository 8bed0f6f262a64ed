//! How workers work.

use std::time::Duration;

use crate::backend::Verdict;
use crate::env::Random;

/// How many things the workers of one process do at once, and how long they wait.
///
/// ```
/// use std::time::Duration;
/// use sourced::{RetryPolicy, WorkerOptions};
///
/// let options = WorkerOptions::default()
///     .lanes(16)
///     .lease(Duration::from_secs(10))
///     .retry(RetryPolicy::default().attempts(5));
/// assert_eq!((options.lanes, options.retry.attempts), (16, 5));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// Lanes handled at the same time; 64 by default.
    pub lanes: usize,
    /// Messages of one lane handled in one transaction; 100 by default.
    pub messages_per_lane: usize,
    /// How long a claim holds without being renewed; 30 seconds by default.
    pub lease: Duration,
    /// The shortest pause between two looks for work when there was none; 20 milliseconds by default.
    pub poll_min: Duration,
    /// The longest such pause, reached by doubling; 1 second by default.
    pub poll_max: Duration,
    /// How long a graceful stop waits for running handlers; 10 seconds by default.
    pub stop_within: Duration,
    /// How long a handler may be busy with one message before it is reported as slow; 30 seconds by default.
    pub slow_after: Duration,
    /// What happens when a handler fails.
    pub retry: RetryPolicy,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            lanes: 64,
            messages_per_lane: 100,
            lease: Duration::from_secs(30),
            poll_min: Duration::from_millis(20),
            poll_max: Duration::from_secs(1),
            stop_within: Duration::from_secs(10),
            slow_after: Duration::from_secs(30),
            retry: RetryPolicy::default(),
        }
    }
}

impl WorkerOptions {
    /// Handles so many lanes at the same time.
    #[must_use]
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes;
        self
    }

    /// Handles at most so many messages of one lane in one transaction.
    #[must_use]
    pub fn messages_per_lane(mut self, messages_per_lane: usize) -> Self {
        self.messages_per_lane = messages_per_lane;
        self
    }

    /// Lets a claim hold so long without being renewed. A killed worker's streams wait that long for another one.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Pauses at least so long between two looks for work when there was none.
    #[must_use]
    pub fn poll_min(mut self, poll_min: Duration) -> Self {
        self.poll_min = poll_min;
        self
    }

    /// Pauses at most so long between two looks for work when there was none.
    #[must_use]
    pub fn poll_max(mut self, poll_max: Duration) -> Self {
        self.poll_max = poll_max;
        self
    }

    /// Lets a graceful stop wait so long for running handlers.
    #[must_use]
    pub fn stop_within(mut self, stop_within: Duration) -> Self {
        self.stop_within = stop_within;
        self
    }

    /// Reports a handler that is busy with one message for so long: once per claim, as a warning that names the message
    /// and what led to it, and in [`App::health`](crate::App::health). It is not ended.
    #[must_use]
    pub fn slow_after(mut self, slow_after: Duration) -> Self {
        self.slow_after = slow_after;
        self
    }

    /// What happens when a handler fails.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }
}

/// How often and when a failed message is tried again, before its stream is parked for that group.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Tries in all, the first one included; 10 by default.
    pub attempts: u32,
    /// The pause before the second try; 100 milliseconds by default. It doubles each time.
    pub first_pause: Duration,
    /// The longest pause; 1 minute by default.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 10,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// Tries at most this often in all, the first try included; 1 never tries again.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Pauses so long before the second try; the pause doubles each time.
    #[must_use]
    pub fn first_pause(mut self, first_pause: Duration) -> Self {
        self.first_pause = first_pause;
        self
    }

    /// Never pauses longer than this.
    #[must_use]
    pub fn longest_pause(mut self, longest_pause: Duration) -> Self {
        self.longest_pause = longest_pause;
        self
    }
}

impl RetryPolicy {
    /// What becomes of a lane whose first message failed now, after `earlier` failures.
    ///
    /// Up to half of a pause is left to chance, so that what failed together is not tried again together.
    pub(super) fn verdict(&self, earlier: u32, random: &dyn Random) -> Verdict {
        if earlier.saturating_add(1) >= self.attempts {
            return Verdict::Park;
        }
        let doubled = self.first_pause.saturating_mul(1_u32 << earlier.min(20));
        let pause = doubled.min(self.longest_pause);
        let half = pause / 2;
        let jitter = random.next_u64() % (u64::try_from(half.as_micros()).unwrap_or(u64::MAX) + 1);
        Verdict::RetryAfter(half + Duration::from_micros(jitter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Always(u64);
    impl Random for Always {
        fn next_u64(&self) -> u64 {
            self.0
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_in_parking() {
        let policy = RetryPolicy {
            attempts: 4,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_millis(300),
        };
        let pause = |earlier| policy.verdict(earlier, &Always(0));
        assert_eq!(pause(0), Verdict::RetryAfter(Duration::from_millis(50)));
        assert_eq!(pause(1), Verdict::RetryAfter(Duration::from_millis(100)));
        assert_eq!(pause(2), Verdict::RetryAfter(Duration::from_millis(150)));
        assert_eq!(pause(3), Verdict::Park);
    }

    #[test]
    fn chance_never_makes_a_pause_longer_than_told() {
        let policy = RetryPolicy::default();
        for bits in [0, 1, u64::MAX, 49_999, 50_000, 50_001] {
            let Verdict::RetryAfter(pause) = policy.verdict(0, &Always(bits)) else {
                panic!("parked")
            };
            assert!(
                pause >= policy.first_pause / 2 && pause <= policy.first_pause,
                "{pause:?}"
            );
        }
    }
}
