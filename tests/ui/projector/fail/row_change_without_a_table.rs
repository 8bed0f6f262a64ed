use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[derive(Debug, Default)]
pub struct Listing {
    n_items: u32,
}

#[projector]
impl Listing {
    #[event]
    fn added(&mut self, _: &ItemAdded) {
        self.n_items += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", id, &self.n_items).await
    }

    #[after_sync]
    async fn tell(&self, change: RowChange) {
        _ = change;
    }
}

fn main() {}
