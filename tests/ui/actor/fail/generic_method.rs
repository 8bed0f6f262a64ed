use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn add_item<T: Into<String>>(&self, product_id: T) {
        drop(product_id.into());
    }
}

fn main() {}
