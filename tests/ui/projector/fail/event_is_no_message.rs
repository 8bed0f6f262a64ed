use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[derive(Debug, Default)]
pub struct Listing {
    n_items: u32,
}

pub struct Item(u32);

#[projector]
impl Listing {
    #[event]
    fn added(&mut self, item: &Item) {
        self.n_items += item.0;
    }
}

fn main() {}
