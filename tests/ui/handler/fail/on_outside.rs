//! `#[on]` belongs to a handler.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Told;

impl Told {
    #[on]
    fn opened(&self) {}
}

fn main() {}
