//! Hooks: what a program wants to be told of failures.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::strategy::FailedAttempt;
use crate::backend::Verdict;

type Hook = Arc<dyn Fn(&FailedAttempt<'_>, Verdict) + Send + Sync>;

/// What is called when a handler has failed, once per failed attempt, after what became of the message is stored.
///
/// A hook is for telling somebody: it decides nothing, and when it panics nothing but a line in the log comes of it. It
/// runs on the lane's task, so what takes time belongs into a task or a channel of your own. When a process dies just
/// then, it was not called; what it was to tell can be read with [`GroupRef::parked`](crate::GroupRef::parked),
/// [`GroupRef::skipped`](crate::GroupRef::skipped) and [`GroupRef::state`](crate::GroupRef::state).
///
/// ```
/// use std::sync::mpsc;
/// use sourced::{FailureHooks, WorkerOptions};
///
/// let (pager, _calls) = mpsc::channel();
/// let hooks = FailureHooks::default().on_park(move |failed| {
///     let text = format!("{} of {}: {}", failed.stream, failed.group, failed.failure);
///     _ = pager.send(text);
/// });
/// let options = WorkerOptions::default().hooks(hooks);
/// ```
#[derive(Clone, Default)]
pub struct FailureHooks {
    hooks: Vec<Hook>,
}

impl FailureHooks {
    /// Calls this when a message is going to be tried again, with the pause until then.
    #[must_use]
    pub fn on_retry(
        self,
        hook: impl Fn(&FailedAttempt<'_>, Duration) + Send + Sync + 'static,
    ) -> Self {
        self.with(move |failed, verdict| {
            if let Verdict::RetryAfter(pause) = verdict {
                hook(failed, pause);
            }
        })
    }

    /// Calls this when a stream was parked.
    #[must_use]
    pub fn on_park(self, hook: impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static) -> Self {
        self.on(Verdict::Park, hook)
    }

    /// Calls this when a message was skipped.
    #[must_use]
    pub fn on_skip(self, hook: impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static) -> Self {
        self.on(Verdict::Skip, hook)
    }

    /// Calls this when a failure has stopped its group.
    #[must_use]
    pub fn on_stop(self, hook: impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static) -> Self {
        self.on(Verdict::StopGroup, hook)
    }

    fn on(
        self,
        occasion: Verdict,
        hook: impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.with(move |failed, verdict| {
            if verdict == occasion {
                hook(failed);
            }
        })
    }

    fn with(mut self, hook: impl Fn(&FailedAttempt<'_>, Verdict) + Send + Sync + 'static) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    pub(super) fn call(&self, failed: &FailedAttempt<'_>, verdict: Verdict) {
        for hook in &self.hooks {
            if catch_unwind(AssertUnwindSafe(|| hook(failed, verdict))).is_err() {
                tracing::error!(group = %failed.group, stream = %failed.stream, "a hook on failures panicked");
            }
        }
    }
}

impl fmt::Debug for FailureHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_hooks = self.hooks.len();
        f.debug_struct("FailureHooks")
            .field("hooks", &n_hooks)
            .finish()
    }
}
