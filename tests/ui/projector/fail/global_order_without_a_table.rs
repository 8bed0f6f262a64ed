use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[derive(Debug, Default)]
pub struct Listing {
    n_items: u32,
}

#[projector(global_order)]
impl Listing {
    #[event]
    fn added(&mut self, _: &ItemAdded) {
        self.n_items += 1;
    }
}

fn main() {}
