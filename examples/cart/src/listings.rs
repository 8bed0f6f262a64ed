//! The listing of every cart: what a shop's employee sees.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sourced::prelude::*;

use crate::cart::{ItemAdded, ItemRemoved, PaymentRequested, Placed};

/// The collection the listings are stored in, by the ids of the carts.
pub const COLLECTION: &str = "cart_listings";

/// One cart, as it is listed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CartListings {
    /// The cart.
    pub cart: String,
    /// How far the order is.
    pub status: Status,
    /// What is in it, by product.
    pub items: BTreeMap<String, Item>,
    /// How many pieces that is.
    pub n_items: u64,
    /// What it costs, in cents.
    pub total: u64,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not placed yet.
    #[default]
    Open,
    /// Placed; payment will be asked for.
    Placed,
    /// Payment was asked for.
    AwaitingPayment,
}

/// Pieces of one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// What one costs, in cents.
    pub price: u32,
    /// How many there are.
    pub quantity: u32,
}

#[projector]
impl CartListings {
    #[state]
    pub(crate) fn new(id: &StreamId) -> Self {
        Self {
            cart: id.to_string(),
            ..Self::default()
        }
    }

    #[event]
    pub(crate) fn added(&mut self, event: &ItemAdded) {
        let earlier = self
            .items
            .get(&event.product_id)
            .map_or(0, |item| item.quantity);
        let item = Item {
            name: event.name.clone(),
            price: event.price,
            quantity: earlier + event.quantity,
        };
        self.items.insert(event.product_id.clone(), item);
        self.sum_up();
    }

    #[event]
    pub(crate) fn removed(&mut self, event: &ItemRemoved) {
        self.items.remove(&event.product_id);
        self.sum_up();
    }

    #[event]
    pub(crate) fn placed(&mut self, _: &Placed) {
        self.status = Status::Placed;
    }

    #[event]
    pub(crate) fn billed(&mut self, _: &PaymentRequested) {
        self.status = Status::AwaitingPayment;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put(COLLECTION, &self.cart, self).await
    }
}

impl CartListings {
    fn sum_up(&mut self) {
        let items = || self.items.values();
        let n_items = items().map(|item| u64::from(item.quantity)).sum();
        let total = items()
            .map(|item| u64::from(item.price) * u64::from(item.quantity))
            .sum();
        (self.n_items, self.total) = (n_items, total);
    }
}
