use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[derive(Debug, Default)]
pub struct Listing {
    n_items: u32,
}

#[projector]
impl Listing {
    #[sync]
    fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        _ = tx;
        Ok(())
    }
}

fn main() {}
