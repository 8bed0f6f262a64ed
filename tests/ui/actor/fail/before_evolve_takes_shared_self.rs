//! What comes before every event changes the state.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[before_evolve]
    fn count(&self) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
