//! One of two events is not both.

use sourced::prelude::*;

pub mod door {
    #[sourced::event("door.opened")]
    pub struct Opened;

    #[sourced::event("door.closed")]
    pub struct Closed;
}

#[derive(Debug, Default)]
pub struct Told;

#[handler]
impl Told {
    #[on(door::Opened, door::Closed)]
    fn moved(&self, _: &door::Opened) {}
}

fn main() {}
