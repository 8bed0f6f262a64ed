//! An emitter lists events of its actor.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[event("door.closed")]
pub struct Closed;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, emit: &mut Emitter<Self, (Opened, Closed)>) {
        emit.event(Opened);
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
