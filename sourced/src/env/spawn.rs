//! Tasks.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use tokio::sync::oneshot;

/// Runs futures side by side.
pub trait Spawner: fmt::Debug + Send + Sync + 'static {
    /// Starts a task; it runs until it ends, whoever still waits for it.
    fn spawn_boxed(&self, task: BoxFuture<'static, ()>);
}

impl dyn Spawner {
    /// Starts a task that can be waited for and aborted.
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (abort, registration) = AbortHandle::new_pair();
        let (done, result) = oneshot::channel();
        let future = Abortable::new(
            std::panic::AssertUnwindSafe(future).catch_unwind(),
            registration,
        );
        self.spawn_boxed(Box::pin(async move {
            if let Ok(Ok(output)) = future.await {
                // Nobody may be waiting any more, and that is fine.
                _ = done.send(output);
            }
        }));
        Task { abort, result }
    }
}

/// A running task. Dropping it lets the task run on; awaiting it gives its result, or `None` when it panicked or was
/// aborted.
#[derive(Debug)]
#[must_use = "a dropped `Task` runs on unseen"]
pub struct Task<T> {
    abort: AbortHandle,
    result: oneshot::Receiver<T>,
}

impl<T> Task<T> {
    /// Ends the task at its next await point.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Whether the task has ended: by itself, by a panic, or aborted.
    pub fn is_finished(&self) -> bool {
        self.result.is_terminated() || !self.result.is_empty()
    }
}

impl<T> Future for Task<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.result.poll_unpin(cx).map(Result::ok)
    }
}

/// Tasks on the tokio runtime that is entered when they are spawned.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioSpawner;

#[cfg(feature = "tokio")]
impl Spawner for TokioSpawner {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the port it is to be reached through"
    )]
    fn spawn_boxed(&self, task: BoxFuture<'static, ()>) {
        drop(tokio::spawn(task));
    }
}
