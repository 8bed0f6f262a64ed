//! An emitter is lent to the method.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, emit: Emitter<Self>) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
