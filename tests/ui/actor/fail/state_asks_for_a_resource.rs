use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[state]
    fn new(n_items: Res<u32>) -> Self {
        Self { n_items: *n_items }
    }
}

fn main() {}
