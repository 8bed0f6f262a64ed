use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn add_item(product_id: String) {
        drop(product_id);
    }
}

fn main() {}
