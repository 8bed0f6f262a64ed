//! A reaction dispatches to another stream, and does not read it.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[reaction]
    fn again(&self, _: &Opened, other: Other<Cart>) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
