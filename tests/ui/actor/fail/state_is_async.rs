use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[state]
    async fn new(id: &StreamId) -> Self {
        _ = id;
        Self { n_items: 0 }
    }
}

fn main() {}
