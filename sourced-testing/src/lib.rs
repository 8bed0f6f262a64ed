//! Tests for what is built on `sourced`: a clock that is moved by hand, and the suite every backend must pass.

mod block_on;
mod case;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod diff;
mod given;
mod messages;
#[cfg(all(unix, feature = "postgres"))]
pub mod postgres;
mod scenario;
mod spans;
mod telling;
mod then;

pub use clock::ManualClock;
pub use given::{Given, given, given_state};
pub use messages::{MessagesExt, Told};
pub use scenario::Scenario;
pub use spans::Spans;
pub use then::Then;
