use sourced::prelude::*;

#[derive(Projection)]
pub struct Todo {
    #[key]
    #[unique]
    id: u64,
    #[unique]
    #[index]
    title: String,
    #[index(desc)]
    at: u64,
}

fn main() {}
