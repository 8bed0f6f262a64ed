//! Faults on command.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sourced::backend::Signal;
use tokio::sync::watch;

use super::{Call, Faults, Op, Trouble};

/// Says which of the next calls of a [`Faulty`](super::Faulty) backend fail, and how. Each line is about one call: the
/// next one of its sort that no earlier line is about. Clones are the same script.
#[derive(Clone, Default)]
pub struct Script {
    lines: Arc<Mutex<Vec<(Op, Line)>>>,
    is_silent: Arc<AtomicBool>,
}

enum Line {
    Refuse,
    LoseAnswer,
    Conflict,
    Hold(watch::Receiver<bool>, watch::Sender<bool>),
}

impl Script {
    /// The next call of this sort does nothing, and is told that the storage cannot be reached.
    pub fn refuse(&self, op: Op) {
        self.add(op, Line::Refuse);
    }

    /// The next call of this sort does what it is asked for, and is told that the storage cannot be reached.
    pub fn lose_answer(&self, op: Op) {
        self.add(op, Line::LoseAnswer);
    }

    /// The next call of this sort does nothing, and is told that somebody else was faster.
    pub fn conflict(&self, op: Op) {
        self.add(op, Line::Conflict);
    }

    /// The next call of this sort waits until it is let go.
    pub fn hold(&self, op: Op) -> Held {
        let (go, gone) = watch::channel(false);
        let (arrive, arrived) = watch::channel(false);
        self.add(op, Line::Hold(gone, arrive));
        Held { go, arrived }
    }

    /// From now on, whoever begins to wait for the storage's signal waits in vain, and has to look by itself.
    pub fn silence(&self) {
        self.is_silent.store(true, Ordering::Relaxed);
    }

    /// How many lines are left.
    pub fn n_left(&self) -> usize {
        self.lock().len()
    }

    fn add(&self, op: Op, line: Line) {
        self.lock().push((op, line));
    }

    fn next(&self, op: Op) -> Option<Line> {
        let mut lines = self.lock();
        let nth = lines.iter().position(|(of, _)| *of == op)?;
        Some(lines.remove(nth).1)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Op, Line)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is to be held. Dropping it lets the call go.
#[derive(Debug)]
#[must_use = "dropping it lets the call go at once"]
pub struct Held {
    go: watch::Sender<bool>,
    arrived: watch::Receiver<bool>,
}

impl Held {
    /// Resolves when the call is there, and waits.
    pub async fn arrived(&mut self) {
        // An error says that the call was dropped: it was there.
        _ = self.arrived.wait_for(|is_there| *is_there).await;
    }

    /// Lets the call go.
    pub fn let_go(self) {
        self.go.send_replace(true);
    }
}

#[async_trait]
impl Faults for Script {
    async fn around(
        &self,
        call: &Call<'_>,
        go: BoxFuture<'_, Result<(), String>>,
    ) -> Result<(), Trouble> {
        match self.next(call.op()) {
            Some(Line::Refuse) => return Err(Trouble::Unreachable),
            Some(Line::Conflict) => return Err(Trouble::Conflict),
            Some(Line::Hold(mut gone, arrive)) => {
                arrive.send_replace(true);
                _ = gone.wait_for(|is_gone| *is_gone).await;
            }
            Some(Line::LoseAnswer) => {
                _ = go.await;
                return Err(Trouble::Unreachable);
            }
            None => {}
        }
        _ = go.await;
        Ok(())
    }

    fn signal(&self, storage: Signal) -> Signal {
        if self.is_silent.load(Ordering::Relaxed) {
            Signal::new()
        } else {
            storage
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("n_left", &self.n_left())
            .finish_non_exhaustive()
    }
}
