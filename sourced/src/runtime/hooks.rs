//! Hooks: what a program wants to be told of failures, and of groups that stop and start.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::strategy::FailedAttempt;
use crate::backend::{GroupState, Verdict};
use crate::stream::GroupId;

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

type GroupHook = Arc<dyn Fn(&GroupId, &GroupState) + Send + Sync>;

/// What is called when a group of the app is stopped, started or has failed, wherever that was done: in each process whose
/// workers run, when it notices.
///
/// The state of each group is looked at every [`WorkerOptions::poll_max`](super::WorkerOptions::poll_max), and not at all
/// when there is no hook. When workers start, they are told of the groups that are not active then. A state that was
/// left again before anybody looked is not told.
///
/// A hook decides nothing, and when it panics nothing but a line in the log comes of it. What takes time belongs into a task
/// or a channel of your own.
///
/// ```
/// use sourced::backend::GroupState;
/// use sourced::{GroupHooks, WorkerOptions};
///
/// let hooks = GroupHooks::default().on_change(|group, state| match state {
///     GroupState::Active => println!("{group} runs"),
///     GroupState::Stopped { reason, .. } => println!("{group} was stopped: {reason}"),
///     GroupState::Failed { error, .. } => println!("{group} has failed: {error}"),
///     _ => {}
/// });
/// let options = WorkerOptions::default().group_hooks(hooks);
/// ```
#[derive(Clone, Default)]
pub struct GroupHooks {
    hooks: Vec<GroupHook>,
}

impl GroupHooks {
    /// Calls this with the new state of a group.
    #[must_use]
    pub fn on_change(
        mut self,
        hook: impl Fn(&GroupId, &GroupState) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hooks.is_empty()
    }

    pub(super) fn call(&self, group: &GroupId, state: &GroupState) {
        for hook in &self.hooks {
            if catch_unwind(AssertUnwindSafe(|| hook(group, state))).is_err() {
                tracing::error!(%group, "a hook on groups panicked");
            }
        }
    }
}

impl fmt::Debug for GroupHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_hooks = self.hooks.len();
        f.debug_struct("GroupHooks")
            .field("hooks", &n_hooks)
            .finish()
    }
}
