use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded<T> {
    pub product: T,
}

fn main() {}
