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

    #[sourced::command("cart.open")]
    pub struct Open;
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

    #[before_evolve]
    fn each(&mut self, event: &StoredMessage) {
        _ = event;
    }

    #[reaction]
    async fn again(&self, event: &Message<cart::ItemAdded>, pool: Res<Pool>) -> Result<Option<Outgoing>, Failure> {
        _ = (event, pool);
        Ok(None)
    }

    #[reaction]
    fn all_others(&self, history: &History) -> Option<cart::Open> {
        history.is_empty().then_some(cart::Open)
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, &self.total).await
    }

    #[sync]
    async fn save_again(&self, pool: Res<Pool>, tx: &mut Tx<'_>, now: Now, replaying: Replaying) -> Result<(), Failure> {
        _ = (pool, tx, now, replaying);
        Ok(())
    }
}

fn main() {
    _ = sourced::App::builder().register::<Listing>();
}
