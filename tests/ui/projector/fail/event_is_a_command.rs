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
    fn added(&mut self, event: &AddItem) {
        _ = event;
        self.n_items += 1;
    }
}

#[command("cart.add_item")]
pub struct AddItem;

fn main() {}
