use sourced::prelude::*;

#[event("cart item_added")]
pub struct ItemAdded {
    pub product_id: String,
}

fn main() {
    _ = ItemAdded { product_id: "the struct is a message all the same".to_owned() }.clone();
}
