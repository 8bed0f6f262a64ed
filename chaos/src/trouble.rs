//! Handlers that are slow, fail, or panic.

use std::time::Duration;

use rand::{RngExt as _, random};
use sourced::Failure;

/// Makes handlers misbehave.
#[derive(Debug)]
pub(crate) struct Trouble;

impl Trouble {
    /// Mostly nothing.
    ///
    /// # Panics
    /// Sometimes, on purpose.
    pub(crate) async fn maybe(&self) -> Result<(), Failure> {
        let chance: f64 = random();
        if chance < 0.004 {
            return Err(Failure::msg("bad luck"));
        }
        assert!(chance > 0.005, "worse luck");
        if chance > 0.98 {
            let pause = Duration::from_millis(rand::rng().random_range(1..60));
            tokio::time::sleep(pause).await;
        } else if chance > 0.979 {
            // Longer than a lease, which has to be renewed meanwhile.
            tokio::time::sleep(crate::worker::LEASE.mul_f32(1.3)).await;
        }
        Ok(())
    }
}
