//! Tests for what is built on `sourced`: a clock that is moved by hand, the laws of actors ([`laws!`]), and the suite every
//! backend must pass.

mod cases;
mod clock;
pub mod conformance;
pub mod laws;
#[cfg(all(unix, feature = "postgres"))]
pub mod postgres;

pub use clock::ManualClock;
