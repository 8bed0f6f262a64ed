use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn add_item(&self, #[garde(range(max = 100))] quantity: u32) {
        drop(quantity);
    }
}

fn main() {}
