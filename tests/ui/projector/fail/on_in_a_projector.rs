//! A projector reacts.

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

    #[on]
    fn again(&self, _: &door::Opened) {}
}

fn main() {}
