//! `#[before_evolve]` belongs to a state.

use sourced::prelude::*;

#[before_evolve]
fn count() {}

fn main() {}
