use sourced::prelude::*;

#[event("cart.item_added", alias = "cart.added", was = ItemAddedV1)]
pub struct ItemAdded {
    pub product: String,
}

#[event("cart.added")]
pub struct ItemAddedV1 {
    pub product: String,
}

impl From<ItemAddedV1> for ItemAdded {
    fn from(old: ItemAddedV1) -> Self {
        Self { product: old.product }
    }
}

fn main() {}
