use sourced::prelude::*;

#[derive(Projection)]
pub struct Todo {
    #[key]
    #[projection(json)]
    tags: Vec<String>,
    title: String,
}

fn main() {}
