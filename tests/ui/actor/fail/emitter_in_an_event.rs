//! An event leads to no other.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self, emit: &mut Emitter<Self>) {}
}

fn main() {}
