use sourced::prelude::*;

pub struct Cart;

#[event]
impl Cart {}

fn main() {}
