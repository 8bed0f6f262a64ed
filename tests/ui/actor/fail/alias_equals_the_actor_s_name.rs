//! An alias is a name of the past.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor("shop.cart", alias = "shop.cart")]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
