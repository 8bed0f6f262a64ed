use sourced::prelude::*;

#[derive(Projection)]
#[projection(table = "todos")]
pub struct Todo {
    id: u64,
    title: String,
}

fn main() {}
