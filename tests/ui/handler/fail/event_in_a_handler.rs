//! A handler has no state.

use sourced::prelude::*;

pub mod door {
    #[sourced::event("door.opened")]
    pub struct Opened;

    #[sourced::command("door.open")]
    pub struct Open;
}

#[derive(Debug, Default)]
pub struct Told;

#[handler]
impl Told {
    #[event]
    fn opened(&mut self, _: &door::Opened) {}
}

fn main() {}
