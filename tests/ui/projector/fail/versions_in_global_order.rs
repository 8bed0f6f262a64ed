//! Which version of a table in global order is ahead cannot be told stream by stream.

use sourced::prelude::*;

#[event("jar.filled")]
pub struct Filled {
    pub jar: u64,
}

#[derive(Debug, Projection)]
pub struct Jar {
    #[key]
    jar: u64,
}

#[projector(global_order, version = 2)]
impl Jar {
    #[event]
    fn filled(event: &Filled) -> Self {
        Self { jar: event.jar }
    }
}

fn main() {}
