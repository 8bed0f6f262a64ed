use sourced::prelude::*;

#[derive(Debug)]
pub struct Cart;

#[actor]
impl Default for Cart {
    fn default() -> Self {
        Cart
    }
}

fn main() {}
