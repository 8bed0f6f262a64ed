//! An emitter takes the events of its actor.

use sourced::prelude::*;

#[event("door.closed")]
pub struct Closed;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, emit: &mut Emitter<Self>) {
        emit.event(Closed);
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
