//! Death in the middle of a call: a process that is struck ends at some poll of some call of its storage.
//!
//! A `kill -9` from outside nearly always comes while a process waits. One that counts polls ends as often just before the
//! next step of a call, and just after one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use futures_util::future::{BoxFuture, poll_fn};
use rand::RngExt as _;
use rustix::process::{Signal, getpid, kill_process};
use sourced_testing::faulty::{Call, Faults, Trouble};
use tokio::signal::unix::{SignalKind, signal};

/// Strikes a process.
pub(crate) const STRIKE: Signal = Signal::USR1;
/// What a process ends by that was struck.
pub(crate) const END: Signal = Signal::USR2;

/// Polls until the end; 0 while nobody has struck.
static LEFT: AtomicU32 = AtomicU32::new(0);
/// A call has a few polls, and there are a few calls at a time.
const MOST_POLLS: u32 = 300;

/// Listens for the strike.
pub(crate) fn listen() -> std::io::Result<()> {
    let mut strikes = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move {
        while strikes.recv().await.is_some() {
            let polls = rand::rng().random_range(1..=MOST_POLLS);
            LEFT.store(polls, Ordering::Relaxed);
        }
    });
    Ok(())
}

/// Counts the polls of all calls.
#[derive(Debug)]
pub(crate) struct Dies;

#[async_trait]
impl Faults for Dies {
    async fn around(
        &self,
        _: &Call<'_>,
        mut go: BoxFuture<'_, Result<(), String>>,
    ) -> Result<(), Trouble> {
        let answer = poll_fn(|cx| {
            let is_last = is_last();
            if is_last && rand::random() {
                end();
            }
            let polled = go.as_mut().poll(cx);
            if is_last {
                end();
            }
            match polled {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            }
        });
        answer.await;
        Ok(())
    }
}

fn is_last() -> bool {
    let counted = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    counted == Ok(1)
}

/// At once, as if it was killed: nothing is dropped, and nobody is told.
fn end() {
    _ = kill_process(getpid(), END);
}
