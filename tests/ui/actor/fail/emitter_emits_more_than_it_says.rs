//! An emitter takes the events of its list.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, emit: &mut Emitter<Self, (Opened, Filled)>) {
        emit.event(Opened);
        emit.event(Closed);
    }

    #[event]
    pub fn opened(&mut self) {}

    #[event]
    pub fn filled(&mut self) {}

    #[event]
    pub fn closed(&mut self) {}
}

fn main() {}
