//! How workers work.

use std::time::Duration;

use crate::backend::Verdict;
use crate::env::Random;

/// How many things the workers of one process do at once, and how long they wait.
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
            retry: RetryPolicy::default(),
        }
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
