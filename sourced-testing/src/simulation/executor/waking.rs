//! What wakes tasks: each other, and time.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake};

use super::{Executor, TaskId, Timer, TimerId};

/// Says that a task can go on.
pub(super) struct Alarm {
    pub(super) task: TaskId,
    pub(super) woken: Arc<Mutex<Vec<TaskId>>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.push(self.task);
    }
}

/// A timer. It is taken back when it is dropped.
#[derive(Debug)]
pub(in super::super) struct Sleep {
    pub(super) executor: Arc<Executor>,
    pub(super) until: u64,
    pub(super) timer: Option<TimerId>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let executor = Arc::clone(&self.executor);
        let mut state = executor.lock();
        if let Some(timer) = self.timer.take() {
            state.timers.remove(&timer);
        }
        if state.now >= self.until {
            return Poll::Ready(());
        }
        self.timer = Some(state.set(self.until, Timer::Wake(cx.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.executor.lock().timers.remove(&timer);
        }
    }
}

/// Lets others run first.
pub(in super::super) async fn yield_now() {
    let mut has_yielded = false;
    std::future::poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
