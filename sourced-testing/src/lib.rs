//! Tests for what is built on `sourced`.
//!
//! | you want to test | with |
//! |---|---|
//! | one actor, projector or handler | [`given`], [`given_state`]: a plain `#[test]`, without a runtime or a database |
//! | several reactors, time, projections on any backend | [`scenario!`], [`Scenario`] |
//! | what must hold of every actor | the feature `laws`, which is on: [`laws!`] |
//! | an app while everything goes wrong that may | [`simulate`] |
//! | an app when one thing goes wrong | [`Faulty`] |
//! | an app that the test builds itself | [`ManualClock`] |
//! | a backend | the feature `conformance`: the suite that every backend must pass |
//! | on PostgreSQL | the feature `postgres`, on Unix: a server for the tests alone |
//!
//! ```
//! use sourced::prelude::*;
//! use sourced_testing::{MessagesExt as _, given, scenario};
//!
//! #[derive(Debug, Default)]
//! struct Cart {
//!     is_placed: bool,
//! }
//!
//! #[derive(Debug, PartialEq, thiserror::Error)]
//! #[error("the order is already placed")]
//! struct AlreadyPlaced;
//!
//! #[actor]
//! impl Cart {
//!     #[command]
//!     fn place(&self) -> Result<Placed, AlreadyPlaced> {
//!         if self.is_placed { Err(AlreadyPlaced) } else { Ok(Placed) }
//!     }
//!
//!     #[event]
//!     fn placed(&mut self) {
//!         self.is_placed = true;
//!     }
//!
//!     #[reaction]
//!     fn pack(&self, _: &Placed) -> Outgoing<Pack> {
//!         Pack.to("parcel-1")
//!     }
//! }
//!
//! #[derive(Debug, Default)]
//! struct Parcel;
//!
//! #[actor]
//! impl Parcel {
//!     #[command]
//!     fn pack(&self) -> Packed { Packed }
//!
//!     #[event]
//!     fn packed(&mut self) {}
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! given::<Cart>(()).when(Place).then(Placed);
//! given::<Cart>(Placed).when(Place).then_refused(AlreadyPlaced);
//! given::<Cart>(()).when(Placed).then(Pack.to("parcel-1"));
//!
//! scenario![Cart, Parcel]
//!     .when(Place.to("cart-1"))
//!     .then_new_messages((Placed.in_stream("cart-1"), (Pack, Packed).in_stream("parcel-1")))
//!     .await;
//! # }
//! ```
//!
//! `docs/testing.md` and `docs/simulation.md` in the repository have more.

mod block_on;
mod case;
#[cfg(feature = "laws")]
mod cases;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod diff;
pub mod faulty;
mod given;
#[cfg(feature = "laws")]
pub mod laws;
mod messages;
#[cfg(all(unix, feature = "postgres"))]
pub mod postgres;
mod rows;
mod saved;
mod scenario;
pub mod simulation;
mod spans;
mod telling;
mod then;

pub use clock::ManualClock;
pub use faulty::{Faulty, Op, Script};
pub use given::{Given, given, given_state};
pub use messages::{MessagesExt, Told};
pub use scenario::Scenario;
pub use simulation::simulate;
pub use spans::Spans;
pub use then::Then;
