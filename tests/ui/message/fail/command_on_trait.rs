use sourced::prelude::*;

#[command]
pub trait AddItem {}

fn main() {}
