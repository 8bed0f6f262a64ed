use sourced::prelude::*;

#[event("cart.changed")]
pub enum Changed {
    Opened,
    Closed,
}

fn main() {}
