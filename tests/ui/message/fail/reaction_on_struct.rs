use sourced::prelude::*;

#[reaction]
pub struct Greeting;

fn main() {}
