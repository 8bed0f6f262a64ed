//! What comes before every event is for no single one.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[before_evolve]
    fn count(&mut self, event: &Opened) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
