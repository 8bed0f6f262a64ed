use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[state]
    fn new() -> Self {
        Self { n_items: 0 }
    }

    #[state]
    fn other() -> Self {
        Self { n_items: 1 }
    }
}

fn main() {}
