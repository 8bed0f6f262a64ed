use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded {
    pub item_id: u64,
}

#[derive(Debug, Projection)]
pub struct Item {
    #[key]
    item_id: u64,
}

#[projector(global_order = "yes")]
impl Item {
    #[event]
    fn added(event: &ItemAdded) -> Self {
        Self { item_id: event.item_id }
    }
}

fn main() {}
