//! Another actor is handed over.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, other: &Other<Cart>) -> Elsewhere<Opened> {
        other.emit(Opened)
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
