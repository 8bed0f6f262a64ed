//! Impatience: a call that a process waits for is dropped at one of its polls.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::poll_fn;
use rand::RngExt as _;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// Makes a process impatient.
pub(crate) const HURRY: Signal = Signal::HUP;

/// Polls until the next call is given up; 0 while there is patience.
static LEFT: AtomicU32 = AtomicU32::new(0);
/// Whoever could give up is polled once more.
static URGED: Notify = Notify::const_new();
/// A call of an app has so many polls, more or less.
const MOST_POLLS: u32 = 40;
/// Between two polls of those who wait.
const PAUSE: Duration = Duration::from_millis(1);

/// Becomes impatient when told to.
pub(crate) fn listen() -> std::io::Result<()> {
    let mut hurries = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hurries.recv().await.is_some() {
            LEFT.store(rand::rng().random_range(1..=MOST_POLLS), Ordering::Relaxed);
            while LEFT.load(Ordering::Relaxed) > 0 {
                URGED.notify_waiters();
                tokio::time::sleep(PAUSE).await;
            }
        }
    });
    Ok(())
}

/// Resolves when this process has become impatient.
pub(crate) async fn impatient() {
    URGED.notified().await;
}

/// What a call gives, or `None` when it was dropped before its end.
pub(crate) async fn unless_given_up<T>(call: impl Future<Output = T>) -> Option<T> {
    let mut call = pin!(call);
    let mut urged = pin!(URGED.notified());
    poll_fn(|cx| {
        while urged.as_mut().poll(cx).is_ready() {
            urged.set(URGED.notified());
        }
        if is_last() {
            return Poll::Ready(None);
        }
        call.as_mut().poll(cx).map(Some)
    })
    .await
}

fn is_last() -> bool {
    let counted = LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    counted == Ok(1)
}
