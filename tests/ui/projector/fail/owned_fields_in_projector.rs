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
    fn item_added(&mut self, product_id: String, quantity: u32) {
        drop(product_id);
        self.n_items += quantity;
    }
}

fn main() {}
