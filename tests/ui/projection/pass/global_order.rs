use sourced::backend::GroupOrder;
use sourced::prelude::*;
use sourced::reactor::Register;

#[event("cart.item_added")]
pub struct ItemAdded {
    pub item_id: u64,
}

#[derive(Debug, Projection)]
pub struct Item {
    #[key]
    item_id: u64,
}

#[projector("items", global_order)]
impl Item {
    #[event]
    fn added(event: &ItemAdded) -> Self {
        Self { item_id: event.item_id }
    }
}

fn main() {
    let reactor = Item::reactor();
    assert_eq!(reactor.group().as_str(), "items");
    assert_eq!(reactor.order(), GroupOrder::Global);
    assert!(!reactor.takes_part_in_units());
}
