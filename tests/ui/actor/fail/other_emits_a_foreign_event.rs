//! Another actor has events of its own.

use sourced::prelude::*;

#[event("door.closed")]
pub struct Closed;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, door: Other<Cart>) -> Elsewhere<Closed> {
        door.emit(Closed)
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
