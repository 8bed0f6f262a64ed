//! One method comes before every event.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[before_evolve]
    fn count(&mut self) {}

    #[before_evolve]
    fn note(&mut self, _: &StoredMessage) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
