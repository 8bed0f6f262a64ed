//! The enum of the events is a type.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor(events = "CartHappened")]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
