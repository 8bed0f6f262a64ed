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
    async fn load(id: &StreamId, tx: &mut Tx<'_>) -> Result<Option<Self>, Failure> {
        _ = (id, tx);
        Ok(None)
    }

    #[event]
    fn added(&mut self, _: &ItemAdded) {
        self.n_items += 1;
    }
}

fn main() {}
