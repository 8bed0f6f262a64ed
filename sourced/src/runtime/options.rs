//! How workers work.

use std::sync::Arc;
use std::time::Duration;

use super::hooks::{FailureHooks, GroupHooks};
use super::strategy::{ErrorStrategy, RetryPolicy};
use crate::backend::StartFrom;

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
/// assert_eq!(options.lanes, 16);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// Lanes handled at the same time; 64 by default. As many again may be waiting for their results to be stored.
    pub lanes: usize,
    /// Messages of one lane handled in one transaction; 100 by default.
    pub messages_per_lane: usize,
    /// Bytes of payloads and metadata handled in one transaction; 1 MiB by default. The first message is handled whatever its
    /// size, which [`Limits`](crate::backend::Limits) bound.
    ///
    /// It bounds what a backlog of large messages takes of the memory of a process, however long that is: `bytes_per_claim` for
    /// each of `lanes` that are handled, as much for those that wait for their results to be stored, and a copy of either
    /// while they are read from the database. What the handlers make of them comes on top. By default that is some 128 MiB,
    /// twice that for a moment, in which every lane has as much as it may.
    pub bytes_per_claim: usize,
    /// How long a claim holds without being renewed; 30 seconds by default.
    pub lease: Duration,
    /// The shortest pause between two looks for work when there was none; 20 milliseconds by default.
    pub poll_min: Duration,
    /// The longest such pause, reached by doubling; 1 second by default.
    pub poll_max: Duration,
    /// How long a graceful stop waits for running handlers; 10 seconds by default. It ends a second after that at the latest,
    /// whatever the storage does.
    pub stop_within: Duration,
    /// How long a handler may be busy with one message before it is reported as slow; 30 seconds by default.
    pub slow_after: Duration,
    /// What happens when a handler fails: a [`RetryPolicy`] by default.
    pub retry: Arc<dyn ErrorStrategy>,
    /// What is called when a handler fails; nothing by default.
    pub hooks: FailureHooks,
    /// What is called when a group is stopped, started or has failed; nothing by default.
    pub group_hooks: GroupHooks,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            lanes: 64,
            messages_per_lane: 100,
            bytes_per_claim: 1024 * 1024,
            lease: Duration::from_secs(30),
            poll_min: Duration::from_millis(20),
            poll_max: Duration::from_secs(1),
            stop_within: Duration::from_secs(10),
            slow_after: Duration::from_secs(30),
            retry: Arc::new(RetryPolicy::default()),
            hooks: FailureHooks::default(),
            group_hooks: GroupHooks::default(),
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

    /// Handles at most so many bytes of payloads and metadata in one transaction, of a lane, of the whole log or of a stretch of
    /// it. With 0, messages are handled one by one.
    #[must_use]
    pub fn bytes_per_claim(mut self, bytes_per_claim: usize) -> Self {
        self.bytes_per_claim = bytes_per_claim;
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

    /// What happens when a handler fails: a [`RetryPolicy`], or a strategy of your own.
    #[must_use]
    pub fn retry(mut self, strategy: impl ErrorStrategy) -> Self {
        self.retry = Arc::new(strategy);
        self
    }

    /// What is called when a handler fails.
    #[must_use]
    pub fn hooks(mut self, hooks: FailureHooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// What is called when a group is stopped, started or has failed.
    #[must_use]
    pub fn group_hooks(mut self, hooks: GroupHooks) -> Self {
        self.group_hooks = hooks;
        self
    }
}

/// What is different for one reactor. Given to [`AppBuilder::register_with`](crate::AppBuilder::register_with).
///
/// ```
/// use sourced::backend::StartFrom;
/// use sourced::{ReactorOptions, RetryPolicy};
///
/// // Somebody else's server, which does not like to be asked by many at the same time.
/// let options = ReactorOptions::default()
///     .start_from(StartFrom::Now)
///     .lanes(4)
///     .retry(RetryPolicy::default().attempts(50));
/// assert_eq!(options.lanes, Some(4));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReactorOptions {
    /// Where its group begins when the storage does not know it yet; at the beginning by default.
    pub start_from: StartFrom,
    /// Lanes of it handled at the same time in each process; as many as there is room for by default.
    pub lanes: Option<usize>,
    /// Messages of one lane handled in one transaction; those of [`WorkerOptions`] by default, and 1,000 where the log is
    /// handled in global order.
    pub messages_per_lane: Option<usize>,
    /// What happens when one of its handlers fails; that of [`WorkerOptions`] by default.
    pub retry: Option<Arc<dyn ErrorStrategy>>,
    /// What is called when one of its handlers fails, after what [`WorkerOptions`] has for all.
    pub hooks: FailureHooks,
    /// Whether a newer version of a table projection waits for [`ProjectionRef::swap`](crate::ProjectionRef::swap) when it
    /// has caught up; not by default.
    pub swap_by_hand: bool,
    /// The stored names of messages that it has known and is not to know any more.
    pub gives_up: Vec<String>,
}

impl ReactorOptions {
    /// Begins there when the storage does not know its group yet.
    #[must_use]
    pub fn start_from(mut self, start_from: StartFrom) -> Self {
        self.start_from = start_from;
        self
    }

    /// Handles at most so many of its lanes at the same time in each process; at least one. Together with those of other
    /// reactors they are at most [`WorkerOptions::lanes`].
    #[must_use]
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = Some(lanes);
        self
    }

    /// Handles at most so many messages of one of its lanes in one transaction.
    #[must_use]
    pub fn messages_per_lane(mut self, messages_per_lane: usize) -> Self {
        self.messages_per_lane = Some(messages_per_lane);
        self
    }

    /// What happens when one of its handlers fails.
    #[must_use]
    pub fn retry(mut self, strategy: impl ErrorStrategy) -> Self {
        self.retry = Some(Arc::new(strategy));
        self
    }

    /// What is called when one of its handlers fails, after what is called for all reactors.
    #[must_use]
    pub fn hooks(mut self, hooks: FailureHooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// Lets a newer version of a table projection wait for [`ProjectionRef::swap`](crate::ProjectionRef::swap) when it has
    /// caught up.
    #[must_use]
    pub fn swap_by_hand(mut self) -> Self {
        self.swap_by_hand = true;
        self
    }

    /// Says that a message is passed over from now on, by its stored name: building the app does not
    /// [warn](crate::topology::Warning::TypesLost) of it any more.
    #[must_use]
    pub fn gives_up(mut self, type_name: impl Into<String>) -> Self {
        self.gives_up.push(type_name.into());
        self
    }

    /// Whether its lanes are claimed apart from those of others.
    pub(super) fn has_limits(&self) -> bool {
        self.lanes.is_some() || self.messages_per_lane.is_some()
    }
}
