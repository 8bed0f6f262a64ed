use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[event]
    pub fn item_added(&mut self) {}

    #[event]
    pub fn added(&mut self, event: &ItemAdded) {
        _ = event;
    }
}

fn main() {}
