//! An actor reacts.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[on]
    fn again(&self, _: &Opened) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
