use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[event("cart.item_removed")]
pub struct ItemRemoved;

#[derive(Debug, Default)]
pub struct Cart {
    n_changes: u32,
}

#[actor]
impl Cart {
    #[event(ItemAdded, ItemRemoved)]
    fn changed(&mut self) {
        self.n_changes += 1;
    }
}

fn main() {}
