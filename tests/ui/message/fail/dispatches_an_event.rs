use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

fn main() {
    _ = ItemAdded.to("cart-1");
}
