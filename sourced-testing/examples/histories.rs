//! Figures of the library's own workers under the simulator:
//!
//! ```text
//! SOURCED_SEED=0..10000 cargo run --release -p sourced-testing --example histories
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it shows its figures, and the app belongs to a test"
)]

#[path = "../tests/simulation/bank.rs"]
mod bank;

fn main() {
    let figures = bank::simulated().seeds(0..1_000).check();
    println!("{figures}");
}
