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
    async fn save(&self, tx: &mut Tx<'_>, event: &ItemAdded) -> Result<(), Failure> {
        _ = (tx, event);
        Ok(())
    }
}

fn main() {}
