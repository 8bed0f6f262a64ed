//! A handler has its own word.

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
    #[reaction]
    fn opened(&self, _: &door::Opened) {}
}

fn main() {}
