//! Error strategies: what becomes of a message whose handling failed.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Verdict;
use crate::env::Random;
use crate::failure::Failure;
use crate::message::StoredMessage;
use crate::stream::{GroupId, StreamId};

/// Decides what becomes of a message whose handling failed. [`RetryPolicy`] is the one that comes with the library.
///
/// ```
/// use std::time::Duration;
/// use sourced::backend::Verdict;
/// use sourced::{ErrorStrategy, FailedAttempt, WorkerOptions};
///
/// /// Bills wait for the accountant, everything else is tried again for ever.
/// #[derive(Debug)]
/// struct Patient;
///
/// impl ErrorStrategy for Patient {
///     fn verdict(&self, failed: &FailedAttempt<'_>) -> Verdict {
///         match failed.message.type_name.as_str() {
///             "bill.sent" => Verdict::Park,
///             _ => Verdict::RetryAfter(Duration::from_secs(10)),
///         }
///     }
/// }
///
/// let options = WorkerOptions::default().retry(Patient);
/// ```
pub trait ErrorStrategy: fmt::Debug + Send + Sync + 'static {
    /// What becomes of it. Called once for each failed attempt. If it panics, the stream is parked.
    fn verdict(&self, failed: &FailedAttempt<'_>) -> Verdict;
}

/// An attempt to handle a message, which failed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FailedAttempt<'a> {
    /// The group of the reactor.
    pub group: &'a GroupId,
    /// The stream, or [`StreamId::log`] where the log is handled in global order: what a verdict holds up.
    pub stream: &'a StreamId,
    /// The message.
    pub message: &'a StoredMessage,
    /// Which attempt it was: 1 is the first. Success with a message, and an operator's retry, start the count again.
    pub attempt: u32,
    /// How long ago the first attempt failed, by the storage's clock; zero when this was the first.
    pub failing_for: Duration,
    /// How it failed.
    pub failure: &'a Failure,
    /// Chance, so that what failed together is not tried again together.
    pub random: &'a dyn Random,
}

/// What happens when a message is not tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LastResort {
    /// Its stream is parked for the group, until a person retries or skips it. Other streams go on.
    #[default]
    Park,
    /// It is acknowledged without being handled, and recorded as skipped. Its stream goes on.
    Skip,
    /// The whole group stops until a person starts it. Then the message is tried once more, and the attempts go on being
    /// counted.
    StopGroup,
}

impl LastResort {
    fn verdict(self) -> Verdict {
        match self {
            Self::Park => Verdict::Park,
            Self::Skip => Verdict::Skip,
            Self::StopGroup => Verdict::StopGroup,
        }
    }
}

/// How often and when a failed message is tried again, and what happens after the last attempt.
///
/// By default there are 160 attempts with pauses that double from 100 milliseconds, up to 5 minutes, of which chance takes
/// up to half away; then the stream is parked for that group. That takes between 6 and 12 hours, so that a server may be
/// away for some hours and nobody has to come. The first 10 attempts are made within a minute.
///
/// Sorts of failures can have policies of their own. The first that fits counts:
///
/// ```
/// use std::io;
/// use std::time::Duration;
/// use sourced::{LastResort, RetryPolicy};
///
/// let policy = RetryPolicy::default()
///     .attempts(5)
///     // A network may be away for long; but not for a day.
///     .on::<io::Error>(
///         RetryPolicy::default()
///             .attempts(u32::MAX)
///             .give_up_after(Duration::from_hours(24)),
///     )
///     // What is not a number now will never be.
///     .on::<std::num::ParseIntError>(RetryPolicy::never().last_resort(LastResort::Skip))
///     .when(|failure| failure.chain().contains("out of stock"), RetryPolicy::never());
/// ```
///
/// A failure that is [permanent](Failure::permanent) is not tried again under any policy.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in all, the first one included; 160 by default.
    pub attempts: u32,
    /// The pause before the second attempt; 100 milliseconds by default.
    pub first_pause: Duration,
    /// The longest pause; 5 minutes by default.
    pub longest_pause: Duration,
    backoff: Backoff,
    jitter: Jitter,
    give_up_after: Option<Duration>,
    last_resort: LastResort,
    rules: Vec<Rule>,
}

/// How pauses grow from one attempt to the next.
#[derive(Clone)]
enum Backoff {
    Constant,
    Linear,
    Exponential,
    Custom(Arc<dyn Fn(u32) -> Duration + Send + Sync>),
}

#[derive(Debug, Clone, Copy)]
enum Jitter {
    UpToHalf,
    None,
}

/// A policy of its own for some failures.
#[derive(Clone)]
struct Rule {
    applies: Arc<dyn Fn(&Failure) -> bool + Send + Sync>,
    policy: RetryPolicy,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 160,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_mins(5),
            backoff: Backoff::Exponential,
            jitter: Jitter::UpToHalf,
            give_up_after: None,
            last_resort: LastResort::Park,
            rules: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// Never tries again.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// Tries at most this often in all, the first attempt included; 1 never tries again.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Pauses so long before the second attempt.
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

    /// All pauses are as long as the first.
    #[must_use]
    pub fn constant(mut self) -> Self {
        self.backoff = Backoff::Constant;
        self
    }

    /// Each pause is longer than the one before by the first.
    #[must_use]
    pub fn linear(mut self) -> Self {
        self.backoff = Backoff::Linear;
        self
    }

    /// Each pause is twice as long as the one before, which is the default.
    #[must_use]
    pub fn exponential(mut self) -> Self {
        self.backoff = Backoff::Exponential;
        self
    }

    /// Pauses as long as the function says, which is given the number of the attempt that failed: 1 is the first.
    #[must_use]
    pub fn pauses(mut self, pauses: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        self.backoff = Backoff::Custom(Arc::new(pauses));
        self
    }

    /// Pauses exactly as long as told. Otherwise up to half of a pause is left to chance, so that what failed together is
    /// not tried again together.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.jitter = Jitter::None;
        self
    }

    /// Does not try again when more time than this would have passed since the first attempt failed, however many
    /// attempts are left.
    #[must_use]
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = Some(time);
        self
    }

    /// What happens when a message is not tried again; its stream is parked by default.
    #[must_use]
    pub fn last_resort(mut self, last_resort: LastResort) -> Self {
        self.last_resort = last_resort;
        self
    }

    /// Has this policy for failures that are an `E`, or have one among their causes. Attempts are counted together,
    /// however they failed.
    #[must_use]
    pub fn on<E: StdError + 'static>(self, policy: Self) -> Self {
        self.when(|failure| failure.find::<E>().is_some(), policy)
    }

    /// Has this policy for failures of which the function says so.
    #[must_use]
    pub fn when(
        mut self,
        applies: impl Fn(&Failure) -> bool + Send + Sync + 'static,
        policy: Self,
    ) -> Self {
        self.rules.push(Rule {
            applies: Arc::new(applies),
            policy,
        });
        self
    }

    /// The policy for a failure: its own, or that of a rule.
    fn for_failure(&self, failure: &Failure) -> &Self {
        let rule = self.rules.iter().find(|rule| (rule.applies)(failure));
        rule.map_or(self, |rule| rule.policy.for_failure(failure))
    }

    /// The pause after a failed attempt.
    fn pause(&self, attempt: u32, random: &dyn Random) -> Duration {
        let earlier = attempt.saturating_sub(1);
        let pause = match &self.backoff {
            Backoff::Constant => self.first_pause,
            Backoff::Linear => self.first_pause.saturating_mul(attempt.max(1)),
            Backoff::Exponential => self.first_pause.saturating_mul(1_u32 << earlier.min(20)),
            Backoff::Custom(pauses) => pauses(attempt),
        };
        let pause = pause.min(self.longest_pause);
        match self.jitter {
            Jitter::None => pause,
            Jitter::UpToHalf => {
                let half = pause / 2;
                let most = u64::try_from(half.as_micros()).unwrap_or(u64::MAX - 1);
                half + Duration::from_micros(random.next_u64() % (most + 1))
            }
        }
    }
}

impl ErrorStrategy for RetryPolicy {
    fn verdict(&self, failed: &FailedAttempt<'_>) -> Verdict {
        let policy = self.for_failure(failed.failure);
        if failed.failure.is_permanent() || failed.attempt >= policy.attempts {
            return policy.last_resort.verdict();
        }
        let pause = policy.pause(failed.attempt, failed.random);
        let then = failed.failing_for.saturating_add(pause);
        if policy.give_up_after.is_some_and(|limit| then > limit) {
            return policy.last_resort.verdict();
        }
        Verdict::RetryAfter(pause)
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "Constant",
            Self::Linear => "Linear",
            Self::Exponential => "Exponential",
            Self::Custom(_) => "Custom",
        })
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.policy.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Kind, MessageId, NewMessage, Payload, TypeName};
    use crate::stream::{Position, Seq};
    use crate::time::Timestamp;

    #[derive(Debug)]
    struct Always(u64);
    impl Random for Always {
        fn next_u64(&self) -> u64 {
            self.0
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    /// What the policy says of this failure of this attempt, this long after the first.
    fn verdict_of(
        policy: &RetryPolicy,
        attempt: u32,
        failing_for: Duration,
        failure: &Failure,
        bits: u64,
    ) -> Verdict {
        let new = NewMessage::root(
            MessageId::from_uuid(uuid::Uuid::nil()),
            Timestamp::from_micros(0),
            TypeName::new("a.b").unwrap(),
            Kind::Event,
            Payload::parse("{}").unwrap(),
        );
        let stream = StreamId::new("s").unwrap();
        let message =
            StoredMessage::stored(new, stream.clone(), Seq::after(None), Position::new(1));
        policy.verdict(&FailedAttempt {
            group: &GroupId::new("g").unwrap(),
            stream: &stream,
            message: &message,
            attempt,
            failing_for,
            failure,
            random: &Always(bits),
        })
    }

    fn verdict(policy: &RetryPolicy, attempt: u32) -> Verdict {
        verdict_of(policy, attempt, Duration::ZERO, &Failure::msg("no"), 0)
    }

    fn pauses(policy: &RetryPolicy) -> Vec<u128> {
        let pauses = (1..=4).map(|attempt| match verdict(policy, attempt) {
            Verdict::RetryAfter(pause) => pause.as_millis(),
            other => panic!("{other:?}"),
        });
        pauses.collect()
    }

    fn every_100_ms() -> RetryPolicy {
        RetryPolicy::default().without_jitter()
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_in_parking() {
        let policy = RetryPolicy::default()
            .attempts(4)
            .longest_pause(Duration::from_millis(300));
        let pause = |attempt| verdict(&policy, attempt);
        assert_eq!(pause(1), Verdict::RetryAfter(Duration::from_millis(50)));
        assert_eq!(pause(2), Verdict::RetryAfter(Duration::from_millis(100)));
        assert_eq!(pause(3), Verdict::RetryAfter(Duration::from_millis(150)));
        assert_eq!(pause(4), Verdict::Park);
    }

    #[test]
    fn by_default_an_outage_of_some_hours_needs_nobody() {
        let total = |policy: RetryPolicy| {
            let mut waited = Duration::ZERO;
            for attempt in 1.. {
                match verdict(&policy, attempt) {
                    Verdict::RetryAfter(pause) => waited += pause,
                    Verdict::Park => break,
                    other => panic!("{other:?}"),
                }
                assert!(attempt != 9 || waited < Duration::from_mins(1));
            }
            waited.as_secs() / 60
        };
        // With chance taking half of each pause, and none.
        assert_eq!(total(RetryPolicy::default()), 6 * 60 + 10);
        let longest = RetryPolicy::default().without_jitter();
        assert_eq!(total(longest), 12 * 60 + 21);
    }

    #[test]
    fn pauses_grow_as_told() {
        assert_eq!(pauses(&every_100_ms()), [100, 200, 400, 800]);
        assert_eq!(pauses(&every_100_ms().linear()), [100, 200, 300, 400]);
        assert_eq!(pauses(&every_100_ms().constant()), [100, 100, 100, 100]);
        let own = every_100_ms().pauses(|attempt| Duration::from_millis(7 * u64::from(attempt)));
        assert_eq!(pauses(&own), [7, 14, 21, 28]);
    }

    #[test]
    fn chance_never_makes_a_pause_longer_than_told() {
        let policy = RetryPolicy::default();
        for bits in [0, 1, u64::MAX, 49_999, 50_000, 50_001] {
            let failure = Failure::msg("no");
            let verdict = verdict_of(&policy, 1, Duration::ZERO, &failure, bits);
            let Verdict::RetryAfter(pause) = verdict else {
                panic!("{verdict:?}")
            };
            assert!(
                pause >= policy.first_pause / 2 && pause <= policy.first_pause,
                "{pause:?}"
            );
        }
        let for_ever = RetryPolicy::default()
            .longest_pause(Duration::MAX)
            .pauses(|_| Duration::MAX);
        assert!(matches!(verdict(&for_ever, 1), Verdict::RetryAfter(_)));
    }

    #[test]
    fn time_can_run_out_before_attempts_do() {
        let policy = every_100_ms()
            .constant()
            .give_up_after(Duration::from_secs(1))
            .last_resort(LastResort::StopGroup);
        let failure = Failure::msg("no");
        let after = |ms| verdict_of(&policy, 2, Duration::from_millis(ms), &failure, 0);
        let again = Verdict::RetryAfter(Duration::from_millis(100));
        assert_eq!(after(900), again);
        assert_eq!(after(901), Verdict::StopGroup);
    }

    #[test]
    fn sorts_of_failures_have_policies_of_their_own() {
        let policy = RetryPolicy::default()
            .on::<std::io::Error>(RetryPolicy::never().last_resort(LastResort::Skip))
            .when(
                |failure| failure.to_string() == "stop",
                RetryPolicy::never().last_resort(LastResort::StopGroup),
            );
        let of = |failure: Failure| verdict_of(&policy, 1, Duration::ZERO, &failure, 0);
        let away = || std::io::Error::other("away");
        assert_eq!(of(away().into()), Verdict::Skip);
        assert_eq!(of(Outer(away()).into()), Verdict::Skip);
        assert_eq!(of(Failure::msg("stop")), Verdict::StopGroup);
        assert!(matches!(of(Failure::msg("other")), Verdict::RetryAfter(_)));
        assert_eq!(of(Failure::permanent("never")), Verdict::Park);
        assert_eq!(of(Failure::permanent(away())), Verdict::Skip);
    }
}
