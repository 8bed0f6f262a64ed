use sourced::prelude::*;

#[derive(Projection)]
#[projection(table = "my todos")]
pub struct Todo {
    #[key]
    id: u64,
    #[allow(non_snake_case)]
    dueAt: u64,
    #[projection(column = "id")]
    other: u64,
}

fn main() {}
