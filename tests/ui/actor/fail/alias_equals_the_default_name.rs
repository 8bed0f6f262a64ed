use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command(alias = "cart.add_item")]
    pub fn add_item(&self, product: String) {
        drop(product);
    }
}

fn main() {}
