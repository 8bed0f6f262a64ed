use sourced::prelude::*;

#[event("cart.item_added", aliased = "cart.added")]
pub struct ItemAdded {
    pub product: String,
}

fn main() {}
