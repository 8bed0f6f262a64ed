//! The enum of the events has one name.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor(events = CartHappened, events = CartEvents)]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
