//! The memory backend keeps what the port promises.

use std::sync::Arc;
use std::time::Duration;

use sourced::Timestamp;
use sourced::backend::Memory;
use sourced::env::Clock as _;
use sourced_testing::ManualClock;
use sourced_testing::conformance::Harness;

struct InMemory;

impl Harness for InMemory {
    type Backend = Memory;
    type Guard = ManualClock;

    async fn fresh(&self) -> (Memory, ManualClock) {
        let clock = ManualClock::new();
        (Memory::with_clock(Arc::new(clock.clone())), clock)
    }

    async fn another(&self, backend: &Memory, _: &ManualClock) -> Memory {
        backend.clone()
    }

    async fn advance(&self, _: &Memory, clock: &ManualClock, by: Duration) {
        clock.advance(by);
    }

    fn now(&self, clock: &ManualClock) -> Timestamp {
        clock.now()
    }

    fn sequences(&self) -> usize {
        1_000
    }
}

sourced_testing::conformance!(InMemory);
