//! The enum has the events of its actor.

use sourced::prelude::*;

#[event("door.closed")]
pub struct Closed;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[reaction(Opened, Closed)]
    fn again(&self, event: &CartEvent) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
