//! A handler is its methods.

use sourced::prelude::*;

#[handler]
pub struct Told;

fn main() {}
