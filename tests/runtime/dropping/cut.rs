//! Giving futures up: at a poll, or some turns after they began.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures_util::future::{Either, select};

/// When a future is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// When it was polled so often, and each time was not done.
    Polls(usize),
    /// When all others have had so many turns since it began: the delays of a test that asks no clock.
    Turns(usize),
}

impl Cut {
    /// The output of a future that was done before.
    pub async fn of<F: Future>(self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        match self {
            Self::Polls(mut left) => {
                poll_fn(|cx| {
                    let polled = future.as_mut().poll(cx);
                    left = left.saturating_sub(1);
                    match polled {
                        Poll::Ready(output) => Poll::Ready(Some(output)),
                        Poll::Pending if left == 0 => Poll::Ready(None),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await
            }
            Self::Turns(turns) => match select(future, pin!(pass(turns))).await {
                Either::Left((output, _)) => Some(output),
                Either::Right(_) => None,
            },
        }
    }
}

/// Lets others have so many turns.
pub async fn pass(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}
