//! The shop of `tests/mistakes` without a mistake, over many seeds:
//!
//! ```text
//! SOURCED_SEED=0..100000 cargo run --release -p sourced-testing --example shop
//! ```

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_imports,
    reason = "it shows its figures, and the shop belongs to a test, with mistakes that are not planted here"
)]

#[path = "../tests/mistakes/call_without_key.rs"]
mod call_without_key;
#[path = "../tests/mistakes/decided_on_a_read_model.rs"]
mod decided_on_a_read_model;
#[path = "../tests/mistakes/forgotten_event.rs"]
mod forgotten_event;
#[path = "../tests/mistakes/key_of_each_attempt.rs"]
mod key_of_each_attempt;
#[path = "../tests/mistakes/lost_schedule.rs"]
mod lost_schedule;
#[path = "../tests/mistakes/order_between_streams.rs"]
mod order_between_streams;
#[path = "../tests/mistakes/outside.rs"]
mod outside;
#[path = "../tests/mistakes/replayed_effect.rs"]
mod replayed_effect;
#[path = "../tests/mistakes/shop.rs"]
mod shop;
#[path = "../tests/mistakes/simulated.rs"]
mod simulated;
#[path = "../tests/mistakes/success_after_the_end.rs"]
mod success_after_the_end;
#[path = "../tests/mistakes/swallowed_failure.rs"]
mod swallowed_failure;

fn main() {
    let figures = simulated::simulated(None).seeds(0..1_000).check();
    println!("{figures}");
}
