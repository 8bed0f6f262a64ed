//! A handler is made anew for each event.

use sourced::prelude::*;

pub mod door {
    #[sourced::event("door.opened")]
    pub struct Opened;

    #[sourced::command("door.open")]
    pub struct Open;
}

#[derive(Debug)]
pub struct Told;

#[handler]
impl Told {
    #[on]
    fn opened(&self, _: &door::Opened) {}
}

fn main() {}
