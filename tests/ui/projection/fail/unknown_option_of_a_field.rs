use sourced::prelude::*;

#[derive(Projection)]
pub struct Todo {
    #[key]
    id: u64,
    #[projection(jsn)]
    tags: Vec<String>,
    #[projection]
    title: String,
}

fn main() {}
