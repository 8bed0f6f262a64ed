//! Chance.

use std::fmt;

use rand::Rng as _;

/// A source of random numbers. They decide nothing that has to be secret.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// The next random number, uniform over all 64-bit values.
    fn next_u64(&self) -> u64;
}

/// The generator of the calling thread, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        rand::rng().next_u64()
    }
}
