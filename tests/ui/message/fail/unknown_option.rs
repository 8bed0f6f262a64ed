use sourced::prelude::*;

#[event("cart.item_added", krate = sourced)]
pub struct ItemAdded;

fn main() {}
