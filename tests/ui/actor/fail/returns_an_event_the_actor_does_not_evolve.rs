use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn add_item(&self, product_id: String) -> ItemAdded {
        ItemAdded { product_id }
    }
}

#[event("cart.item_added")]
pub struct ItemAdded {
    product_id: String,
}

fn main() {}
