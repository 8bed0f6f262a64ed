use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[derive(Debug, Default)]
pub struct Listing {
    n_items: u32,
}

#[projector]
impl Clone for Listing {
    fn clone(&self) -> Self {
        Self { n_items: self.n_items }
    }
}

fn main() {}
