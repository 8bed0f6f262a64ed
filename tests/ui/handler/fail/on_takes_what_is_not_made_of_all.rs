//! What stands for several events is made from each of them.

use sourced::prelude::*;

pub mod door {
    #[sourced::event("door.opened")]
    pub struct Opened;

    #[sourced::event("door.closed")]
    pub struct Closed;
}

#[derive(Debug)]
pub struct Moved;

impl From<door::Opened> for Moved {
    fn from(_: door::Opened) -> Self {
        Self
    }
}

#[derive(Debug, Default)]
pub struct Told;

#[handler]
impl Told {
    #[on(door::Opened, door::Closed)]
    fn moved(&self, _: &Message<Moved>) {}
}

fn main() {}
