//! Everything a projector that loads its state may take.
#![deny(warnings)]

use serde::{Deserialize, Serialize};
use sourced::DocumentReader;
use sourced::prelude::*;

pub mod cart {
    #[sourced::event("cart.item_added")]
    pub struct ItemAdded {
        pub price: u64,
    }

    #[sourced::event("cart.item_removed")]
    pub struct ItemRemoved;

    #[sourced::event("cart.emptied")]
    pub struct Emptied;

    #[sourced::command("cart.offer")]
    pub struct Offer;
}

pub struct Pool;

#[derive(Debug, Serialize, Deserialize)]
struct Listing {
    id: String,
    total: u64,
}

#[projector("listings", stored)]
impl Listing {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self { id: id.to_string(), total: 0 }
    }

    #[state]
    async fn load(id: &StreamId, pool: Res<Pool>, now: Now, tx: &mut Tx<'_>) -> Result<Option<Self>, Failure> {
        _ = (pool, now);
        tx.get("listings", id).await
    }

    #[before_evolve]
    fn each(&mut self) {}

    #[event]
    fn added(&mut self, event: &cart::ItemAdded) {
        self.total += event.price;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, self).await
    }

    #[after_sync]
    async fn announce(&self, pool: Res<Pool>, replaying: Replaying) -> Result<(), Failure> {
        _ = (pool, replaying);
        Ok(())
    }

    #[after_sync]
    fn count(&self) {}

    #[after_sync]
    fn count_again(&self, id: &StreamId, now: Now) -> () {
        _ = (id, now);
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Offers(u32);

#[projector(stored)]
impl Offers {
    #[state]
    async fn load(documents: Res<DocumentReader>, id: &StreamId) -> Result<Option<Self>, Failure> {
        documents.get("offers", id).await
    }

    #[event]
    fn added(&mut self, _: &Message<cart::ItemAdded>) {
        self.0 += 1;
    }

    #[event(cart::ItemRemoved, cart::Emptied)]
    fn less(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }

    #[reaction]
    fn offer(&self) -> Option<cart::Offer> {
        (self.0 == 10).then_some(cart::Offer)
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("offers", id, self).await
    }
}

/// Of another type of failures.
#[derive(Debug, Default)]
struct Rows;

#[projector(stored)]
impl Rows {
    #[state]
    async fn load() -> std::io::Result<Option<Self>> {
        Ok(None)
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.delete("rows", "all").await
    }
}

fn main() {
    let builder = sourced::App::builder().register::<Listing>().register::<Offers>();
    _ = builder.register::<Rows>();
}
