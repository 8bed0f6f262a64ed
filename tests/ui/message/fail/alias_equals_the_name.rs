use sourced::prelude::*;

#[event("cart.item_added", alias = "cart.item_added")]
pub struct ItemAdded {
    pub product: String,
}

fn main() {}
