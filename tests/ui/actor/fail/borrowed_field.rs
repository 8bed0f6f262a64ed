use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn add_item(&self, product_id: &str, tags: &[String], count: &u32) {
        _ = (product_id, tags, count);
    }
}

fn main() {}
