use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[event]
    pub fn item_added(&mut self) -> u32 {
        self.n_items += 1;
        self.n_items
    }
}

fn main() {}
