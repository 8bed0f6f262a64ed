//! Wake-ups: hints that there may be work.

use std::sync::Arc;

use tokio::sync::watch;

/// Tells waiting workers that something was stored.
pub trait Wake: Send + Sync {
    /// A signal that is raised soon after something was appended or a lane was given back, by this process or, where
    /// the backend can tell, by another. It is a hint: signals may be lost or come for nothing. Polling is the truth.
    fn signal(&self) -> Signal;

    /// Raises the signal, here and, where the backend can, in other processes: for what was stored past the backend.
    fn wake(&self) {
        self.signal().raise();
    }
}

/// A hint that can be raised by anybody and waited for by many. Raising it several times before anybody looks counts
/// once.
#[derive(Debug)]
pub struct Signal {
    raise: Arc<watch::Sender<u64>>,
    seen: watch::Receiver<u64>,
}

impl Signal {
    /// A signal that nobody raised yet.
    pub fn new() -> Self {
        let (raise, seen) = watch::channel(0);
        Self {
            raise: Arc::new(raise),
            seen,
        }
    }

    /// Wakes all who wait.
    pub fn raise(&self) {
        self.raise
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Resolves when the signal was raised since this clone last resolved, or since it was made.
    pub async fn raised(&mut self) {
        // The sender lives in `self`, so the channel cannot be closed.
        _ = self.seen.changed().await;
    }
}

impl Clone for Signal {
    /// The clone waits for what is raised from now on.
    fn clone(&self) -> Self {
        Self {
            raise: Arc::clone(&self.raise),
            seen: self.raise.subscribe(),
        }
    }
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}
