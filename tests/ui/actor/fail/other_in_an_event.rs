//! An event knows its own stream only.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self, other: Other<Cart>) {}
}

fn main() {}
