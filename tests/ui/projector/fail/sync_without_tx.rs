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
    async fn save(&self) -> Result<(), Failure> {
        Ok(())
    }
}

fn main() {}
