//! What the runtime promises, on the in-memory backend: each test carries the name of the promise.

#![allow(unreachable_pub, reason = "modules of one test program share `shop`")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "runtime/shop.rs"]
mod shop;

#[path = "runtime/building.rs"]
mod building;
#[path = "runtime/deciding.rs"]
mod deciding;
#[path = "runtime/failing.rs"]
mod failing;
#[path = "runtime/reacting.rs"]
mod reacting;
#[path = "runtime/stopping.rs"]
mod stopping;
