//! The suite every backend must pass: what the port promises, one check per promise.
//!
//! A backend's author writes a [`Harness`] and one line in a test file:
//!
//! ```
//! # mod tests {
//! use std::time::Duration;
//! use sourced::Timestamp;
//! use sourced::backend::Memory;
//! use sourced::env::Clock as _;
//! use sourced_testing::{ManualClock, conformance::Harness};
//!
//! struct InMemory;
//!
//! impl Harness for InMemory {
//!     type Backend = Memory;
//!     type Guard = ManualClock;
//!
//!     async fn fresh(&self) -> (Memory, ManualClock) {
//!         let clock = ManualClock::new();
//!         (Memory::with_clock(std::sync::Arc::new(clock.clone())), clock)
//!     }
//!     async fn another(&self, backend: &Memory, _: &ManualClock) -> Memory {
//!         backend.clone()
//!     }
//!     async fn advance(&self, _: &Memory, clock: &ManualClock, by: Duration) {
//!         clock.advance(by);
//!     }
//!     fn now(&self, clock: &ManualClock) -> Timestamp {
//!         clock.now()
//!     }
//! }
//!
//! sourced_testing::conformance!(InMemory);
//! # }
//! ```
//!
//! Every check becomes a test of its own, named after the promise it holds the backend to, such as
//! `dense_seq::commands_and_events_share_the_numbers`. The checks wait for signals and never sleep; leases and delays
//! are hours long and end because the harness says so.

// A check fails by panicking, and its name is its documentation.
#![allow(missing_docs, clippy::unwrap_used, clippy::missing_panics_doc)]
// The fixtures are the vocabulary of the checks; listing the words in each file would say nothing.
#![allow(clippy::wildcard_imports)]

mod fixtures;
mod model;
mod steps;
#[doc(hidden)]
pub mod suite;

use std::time::Duration;

use futures_util::future::{Either, select};
use sourced::backend::Backend;
use sourced::env::{Clock as _, SystemClock};
use sourced::{MessageId, Timestamp};

/// How the suite gets hold of a backend.
pub trait Harness: Send + Sync {
    /// The backend.
    type Backend: Backend;
    /// What has to live as long as the store: a directory, a schema, a clock.
    type Guard: Send + Sync;

    /// A new store, set up and empty, that nobody else uses.
    fn fresh(&self) -> impl Future<Output = (Self::Backend, Self::Guard)> + Send;

    /// Opens the same store once more, as another process would.
    fn another(
        &self,
        backend: &Self::Backend,
        guard: &Self::Guard,
    ) -> impl Future<Output = Self::Backend> + Send;

    /// Lets time pass for the store's leases, delays and schedules. Where the clock cannot be moved, the stored times can be moved
    /// back instead.
    fn advance(
        &self,
        backend: &Self::Backend,
        guard: &Self::Guard,
        by: Duration,
    ) -> impl Future<Output = ()> + Send;

    /// The time by the store's clock, for what is scheduled.
    fn now(&self, guard: &Self::Guard) -> Timestamp;

    /// Makes a stored message unreadable, as whoever edits the database by hand might. `false` where that cannot be done.
    fn damage(
        &self,
        backend: &Self::Backend,
        guard: &Self::Guard,
        message: MessageId,
    ) -> impl Future<Output = bool> + Send {
        _ = (backend, guard, message);
        std::future::ready(false)
    }

    /// Whether the backend gives stretches of the log to groups that are far behind, as
    /// [`Claims::claim`](sourced::backend::Claims::claim) says it may. The suite then asks for them.
    fn gives_stretches(&self) -> bool {
        false
    }

    /// How many random sequences of operations are tried, each on a new store.
    fn sequences(&self) -> usize {
        16
    }

    /// What they are drawn from; others each time unless it is given.
    fn seed(&self) -> Option<u64> {
        None
    }
}

/// Runs one check to its end on two worker threads.
///
/// # Panics
/// When the check does, and when it does not end: what waits for ever is broken, too.
pub fn run(check: impl Future<Output = ()>) {
    const DEADLINE: Duration = Duration::from_mins(2);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a tokio runtime can be started");
    runtime.block_on(async {
        let check = std::pin::pin!(check);
        match select(check, SystemClock.sleep(DEADLINE)).await {
            Either::Left(((), _)) => {}
            Either::Right(_) => panic!("the check did not end within {DEADLINE:?}"),
        }
    });
}
