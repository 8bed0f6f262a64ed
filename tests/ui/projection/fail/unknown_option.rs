use sourced::prelude::*;

#[derive(Projection)]
#[projection(tabel = "todos")]
pub struct Todo {
    #[key]
    id: u64,
}

fn main() {}
