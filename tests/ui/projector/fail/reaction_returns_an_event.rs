//! A reaction dispatches commands.

use sourced::prelude::*;

pub mod door {
    #[sourced::event("door.opened")]
    pub struct Opened;

    #[sourced::command("door.open")]
    pub struct Open;
}

#[derive(Debug, Default)]
pub struct Told;

#[projector]
impl Told {
    #[event]
    fn opened(&mut self, _: &door::Opened) {}

    #[reaction]
    fn again(&self) -> door::Opened {
        door::Opened
    }
}

fn main() {}
