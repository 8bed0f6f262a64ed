//! Tasks that run inside of the scenario that starts them, so that it comes out the same on any runtime.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use sourced::env::Spawner;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Hands tasks to whoever runs them.
#[derive(Debug, Clone)]
pub(super) struct Inline(UnboundedSender<BoxFuture<'static, ()>>);

/// Tasks that are to be run.
pub(super) struct Tasks(UnboundedReceiver<BoxFuture<'static, ()>>);

impl Inline {
    pub(super) fn new() -> (Self, Tasks) {
        let (send, receive) = unbounded_channel();
        (Self(send), Tasks(receive))
    }
}

impl Spawner for Inline {
    fn spawn_boxed(&self, task: BoxFuture<'static, ()>) {
        // Nobody runs it any more when the scenario is over, and nobody needs to.
        _ = self.0.send(task);
    }
}

impl Tasks {
    /// Runs the tasks beside a future, one step at a time, until that one is done.
    pub(super) async fn beside<T>(mut self, future: impl Future<Output = T>) -> T {
        let mut running = FuturesUnordered::new();
        let mut future = pin!(future);
        poll_fn(move |cx| {
            loop {
                while let Poll::Ready(Some(task)) = self.0.poll_recv(cx) {
                    running.push(task);
                }
                // Without a step of a task there is no new one either.
                if !matches!(running.poll_next_unpin(cx), Poll::Ready(Some(())))
                    && self.0.is_empty()
                {
                    break;
                }
            }
            future.as_mut().poll(cx)
        })
        .await
    }
}
