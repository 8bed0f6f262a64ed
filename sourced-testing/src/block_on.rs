//! Runs a future on the thread of a plain test.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Whoever is not woken for so long waits for what never comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for a future; `None` when nobody woke it for ten seconds.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Option<T> {
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        if !alarm.rings() {
            return None;
        }
    }
}

#[derive(Default)]
struct Alarm {
    is_raised: Mutex<bool>,
    raised: Condvar,
}

impl Alarm {
    /// Waits until it is raised, and takes it down; whether it was.
    fn rings(&self) -> bool {
        let is_raised = self.is_raised.lock();
        let is_raised = is_raised.unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .raised
            .wait_timeout_while(is_raised, PATIENCE, |is_raised| !*is_raised);
        let (mut is_raised, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *is_raised)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let is_raised = self.is_raised.lock();
        *is_raised.unwrap_or_else(PoisonError::into_inner) = true;
        self.raised.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_another_thread_wakes_is_waited_for() {
        let (send, receive) = tokio::sync::oneshot::channel();
        let other = std::thread::spawn(move || send.send(7));
        assert_eq!(block_on(receive), Some(Ok(7)));
        assert_eq!(other.join().unwrap(), Ok(()));
    }
}
