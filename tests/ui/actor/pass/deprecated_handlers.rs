//! `#[deprecated]` on a handler is for those who call it, and not for what is generated.
#![deny(warnings)]

use sourced::prelude::*;

#[derive(Debug)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[state]
    #[deprecated]
    fn new() -> Self {
        Self { n_items: 0 }
    }

    #[before_evolve]
    #[deprecated]
    fn note(&mut self, _: &StoredMessage) {
        self.n_items += 0;
    }

    #[command]
    #[deprecated(note = "say `put_item`")]
    fn add_item(&self, product: String) -> ItemAdded {
        ItemAdded { product }
    }

    #[command]
    #[deprecated]
    async fn add_later(&self) -> Result<(), Failure> {
        Ok(())
    }

    #[event]
    #[deprecated]
    fn item_added(&mut self, _product: String) {
        self.n_items += 1;
    }

    #[reaction]
    #[deprecated]
    fn tell(&self, _: &ItemAdded) {}
}

#[derive(Debug, Default)]
struct Listing;

#[projector]
impl Listing {
    #[event]
    #[deprecated]
    fn added(&mut self, _: &ItemAdded) {}

    #[sync]
    #[deprecated]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", "all", &1).await
    }

    #[after_sync]
    #[deprecated]
    fn announce(&self) {}
}

#[derive(Debug, Projection)]
struct Line {
    #[key]
    product: String,
}

#[projector]
impl Line {
    #[event]
    #[deprecated]
    fn added(row: Option<Self>, event: &ItemAdded) -> Self {
        _ = row;
        let product = event.product.clone();
        Self { product }
    }
}

#[derive(Debug, Default)]
struct Greeter;

#[handler]
impl Greeter {
    #[on]
    #[deprecated]
    fn added(&self, _: &ItemAdded) {}
}

fn main() {
    _ = (Listing, Greeter, AddItem { product: String::new() });
    #[expect(deprecated, reason = "it is what this is about")]
    {
        _ = |cart: CartRef| async move { cart.add_item("tea").await };
    }
}
