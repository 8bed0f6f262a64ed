use sourced::prelude::*;

#[actor]
pub fn add_item() {}

fn main() {}
