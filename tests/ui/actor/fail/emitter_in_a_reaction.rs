//! A reaction emits no events.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[reaction]
    fn again(&self, _: &Opened, emit: &mut Emitter<Self>) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
