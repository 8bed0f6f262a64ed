use sourced::prelude::*;

#[actor]
#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

fn main() {}
