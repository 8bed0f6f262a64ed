use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[event("cart.item_removed")]
pub struct ItemRemoved;

#[derive(Debug, Default)]
pub struct Listing {
    n_changes: u32,
}

#[projector]
impl Listing {
    #[event(ItemAdded, ItemRemoved)]
    fn changed(&mut self, event: &ItemAdded) {
        _ = event;
        self.n_changes += 1;
    }
}

fn main() {}
