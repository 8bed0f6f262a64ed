use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn add_item(&self) -> impl Iterator<Item = ItemAdded> {
        [ItemAdded].into_iter()
    }

    #[event]
    pub fn item_added(&mut self) {}
}

fn main() {}
