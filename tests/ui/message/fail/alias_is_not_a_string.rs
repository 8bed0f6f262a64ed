use sourced::prelude::*;

#[event("cart.item_added", alias = cart)]
pub struct ItemAdded {
    pub product: String,
}

fn main() {}
