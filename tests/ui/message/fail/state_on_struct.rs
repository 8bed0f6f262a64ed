use sourced::prelude::*;

#[state]
pub struct Cart;

fn main() {}
