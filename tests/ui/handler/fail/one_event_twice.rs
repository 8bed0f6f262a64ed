//! One method is for an event.

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
    #[on]
    fn opened(&self, _: &door::Opened) {}

    #[on]
    fn also_opened(&self, _: &Message<door::Opened>) {}
}

fn main() {}
