use sourced::prelude::*;

#[event("cart.item_added", was = ItemAddedV1)]
pub struct ItemAdded {
    pub product: String,
}

#[event("cart.added")]
pub struct ItemAddedV1 {
    pub product: String,
}

fn main() {}
