use sourced::prelude::*;

#[derive(Projection)]
pub struct Todo(#[key] u64, String);

fn main() {}
