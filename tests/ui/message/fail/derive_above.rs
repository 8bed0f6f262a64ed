use sourced::prelude::*;

#[derive(Clone)]
#[event("cart.item_added")]
pub struct ItemAdded;

fn main() {}
