use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn add_item(&self, command: &AddItem, quantity: u32) {
        _ = (command, quantity);
    }
}

#[command("cart.add_item")]
pub struct AddItem;

fn main() {}
