//! A projector reacts to what it evolves by.

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
    #[reaction]
    fn again(&self, _: &door::Opened) -> Outgoing<door::Open> {
        door::Open.to("door-1")
    }
}

fn main() {}
