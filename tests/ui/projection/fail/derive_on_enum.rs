use sourced::prelude::*;

#[derive(Projection)]
pub enum Todo {
    Open,
    Done,
}

fn main() {}
