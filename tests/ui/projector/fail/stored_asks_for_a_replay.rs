use sourced::prelude::*;

#[event("cart.item_added")]
pub struct ItemAdded;

#[command("cart.offer")]
pub struct Offer;

#[derive(Debug, Default)]
pub struct Listing {
    n_items: u32,
}

#[projector(stored)]
impl Listing {
    #[state]
    async fn load(id: &StreamId, tx: &mut Tx<'_>, replaying: Replaying) -> Result<Option<Self>, Failure> {
        _ = (id, tx, replaying);
        Ok(None)
    }

    #[event]
    fn added(&mut self, _: &ItemAdded) {
        self.n_items += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", id, &self.n_items).await
    }
}

fn main() {}
