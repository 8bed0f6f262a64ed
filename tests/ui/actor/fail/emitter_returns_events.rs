//! What is emitted is not returned as well.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, emit: &mut Emitter<Self>) -> Result<Opened, Failure> {
        emit.event(Opened);
        Ok(Opened)
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
