//! What an event changes does not depend on other events.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self, history: &History) {}
}

fn main() {}
