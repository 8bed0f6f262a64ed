use sourced::prelude::*;

#[derive(Projection)]
pub struct Todo<T> {
    #[key]
    id: u64,
    of: T,
}

fn main() {}
