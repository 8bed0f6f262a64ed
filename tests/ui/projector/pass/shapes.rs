//! Everything a projector may take.
#![deny(warnings)]

use sourced::prelude::*;

pub mod cart {
    #[sourced::event("cart.item_added")]
    pub struct ItemAdded {
        pub price: u64,
    }

    #[sourced::event("cart.closed")]
    pub struct Closed;
}

pub struct Pool;

#[derive(Debug)]
struct Listing {
    id: String,
    total: u64,
}

#[projector("listings")]
impl Listing {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self { id: id.to_string(), total: 0 }
    }

    #[event]
    fn added(&mut self, event: &cart::ItemAdded) {
        self.total += event.price;
    }

    #[event]
    fn closed(&mut self, event: &Message<cart::Closed>) {
        self.id = event.stream_id.to_string();
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, &self.total).await
    }

    #[sync]
    async fn again(&self, pool: Res<Pool>, tx: &mut Tx<'_>, now: Now, replaying: Replaying) -> Result<(), Failure> {
        _ = (pool, tx, now, replaying);
        Ok(())
    }
}

fn main() {
    _ = sourced::App::builder().register::<Listing>();
}
