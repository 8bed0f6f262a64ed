use sourced::prelude::*;

#[event("cart.item_added", alias = "cart.added", alias = "cart.added")]
pub struct ItemAdded {
    pub product: String,
}

fn main() {}
