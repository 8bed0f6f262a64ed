//! Turns: of durable calls that got into each other's way in a stream, one decides after the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

use crate::env::Env;
use crate::stream::StreamId;

/// How long one waits for a turn. Who has it may wait for us: a decision can make another one in its own stream.
const LONGEST: Duration = Duration::from_secs(5);

/// The longest pause after the first conflict, and how often it is doubled.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const DOUBLED: u32 = 5;

/// The queues of a process, one for each stream in which somebody waits or decides in turn.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<StreamId, Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    queue: Arc<Queue<()>>,
    n: usize,
}

impl Turns {
    /// Waits for a turn if others do so already.
    pub(crate) async fn if_needed(&self, stream: &StreamId, env: &Env) -> Option<Turn<'_>> {
        let is_needed = self.lock().contains_key(stream);
        if is_needed {
            Some(self.take(stream, env).await)
        } else {
            None
        }
    }

    /// Waits for a turn, behind all who wait by now, but not for ever.
    pub(crate) async fn take(&self, stream: &StreamId, env: &Env) -> Turn<'_> {
        let queue = {
            let mut all = self.lock();
            let waiting = all.entry(stream.clone()).or_default();
            waiting.n += 1;
            Arc::clone(&waiting.queue)
        };
        let mut turn = Turn {
            turns: self,
            stream: stream.clone(),
            held: None,
        };
        tokio::select! {
            biased;
            held = queue.lock_owned() => turn.held = Some(held),
            () = env.clock.sleep(LONGEST) => {}
        }
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue of a stream, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    turns: &'t Turns,
    stream: StreamId,
    /// Where one has waited for too long there is nothing.
    held: Option<OwnedMutexGuard<()>>,
}

impl Turn<'_> {
    /// Waits by chance after a conflict with somebody who is in no queue here, so as not to meet again.
    pub(crate) async fn pause(&self, env: &Env, n_conflicts: u32) {
        let longest = FIRST_PAUSE * (1 << n_conflicts.min(DOUBLED));
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        let by_chance = env.random.next_u64() % micros;
        env.clock.sleep(Duration::from_micros(by_chance)).await;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.held = None;
        let mut all = self.turns.lock();
        if let Some(waiting) = all.get_mut(&self.stream) {
            waiting.n -= 1;
            if waiting.n == 0 {
                all.remove(&self.stream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn they_come_in_order_and_whoever_goes_leaves_nothing() {
        let (turns, env) = (Turns::default(), Env::system());
        let stream = StreamId::new("cart-1").unwrap();
        assert!(turns.if_needed(&stream, &env).await.is_none());
        let first = turns.take(&stream, &env).await;
        let mut second = Box::pin(turns.if_needed(&stream, &env));
        let mut third = Box::pin(turns.if_needed(&stream, &env));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        assert!(third.as_mut().now_or_never().is_none());
        // Given up, before it has noticed that it is next.
        drop(second);
        assert!(third.await.unwrap().held.is_some());
        assert!(turns.lock().is_empty());
    }
}
