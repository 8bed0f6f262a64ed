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
    async fn load(id: &StreamId) -> Result<Option<Self>, Failure> {
        _ = id;
        Ok(None)
    }

    #[event]
    fn added(&mut self, _: &ItemAdded) {
        self.n_items += 1;
    }

    #[reaction]
    fn offer(&self, _: &ItemAdded, history: &History) -> Option<Offer> {
        history.is_empty().then_some(Offer)
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", id, &self.n_items).await
    }
}

fn main() {}
