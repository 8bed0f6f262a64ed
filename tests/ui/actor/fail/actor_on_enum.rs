use sourced::prelude::*;

#[actor]
pub enum Cart {
    Open,
    Placed,
}

fn main() {}
