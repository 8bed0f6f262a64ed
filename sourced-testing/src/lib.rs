//! Tests for what is built on `sourced`: a clock that is moved by hand, and the suite every backend must pass.

mod clock;
pub mod conformance;
#[cfg(all(unix, feature = "postgres"))]
pub mod postgres;

pub use clock::ManualClock;
