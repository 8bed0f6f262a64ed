use sourced::prelude::*;

#[derive(Projection)]
pub struct Todo {
    #[key]
    id: Option<u64>,
    title: String,
}

fn main() {}
