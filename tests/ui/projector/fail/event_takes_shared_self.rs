use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[derive(Debug, Default)]
pub struct Listing {
    n_items: u32,
}

#[projector]
impl Listing {
    #[event]
    fn added(&self, _: &ItemAdded) {}
}

fn main() {}
