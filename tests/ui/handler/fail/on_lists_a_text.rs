//! A list has types.

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
    #[on("door.opened")]
    fn opened(&self) {}
}

fn main() {}
