//! A handler has few options.

use sourced::prelude::*;

pub mod door {
    #[sourced::event("door.opened")]
    pub struct Opened;

    #[sourced::command("door.open")]
    pub struct Open;
}

#[derive(Debug, Default)]
pub struct Told;

#[handler(group = "told")]
impl Told {
    #[on]
    fn opened(&self, _: &door::Opened) {}
}

fn main() {}
