use sourced::prelude::*;

#[derive(Debug, Clone, PartialEq)]
pub struct Product;

#[event("cart.item_added")]
pub struct ItemAdded {
    pub product: Product,
}

fn main() {}
