//! What is measured about: a cart, an order that is paid for, and the totals of a cart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use sourced::prelude::*;

/// A product came into the cart.
#[event("cart.item_added")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemAdded {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) price: u32,
    pub(crate) quantity: u32,
}

impl ItemAdded {
    /// Some eighty bytes of JSON.
    pub(crate) fn nth(n: usize) -> Self {
        Self {
            product_id: format!("product-{}", n % 20),
            name: "Tea, green, loose".to_owned(),
            price: 250 + (n % 100) as u32,
            quantity: 1,
        }
    }
}

/// It would hold too much.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a cart holds no more")]
pub(crate) struct Full;

/// How many pieces of what.
#[derive(Debug, Default)]
pub(crate) struct Cart {
    pieces: std::collections::BTreeMap<String, u32>,
}

#[actor]
impl Cart {
    #[command]
    pub(crate) fn add_item(
        &self,
        product_id: String,
        name: String,
        price: u32,
        quantity: u32,
    ) -> Result<ItemAdded, Full> {
        if self.pieces() + quantity > 1_000_000 {
            return Err(Full);
        }
        Ok(ItemAdded {
            product_id,
            name,
            price,
            quantity,
        })
    }

    #[event]
    pub(crate) fn item_added(&mut self, added: &ItemAdded) {
        match self.pieces.get_mut(&added.product_id) {
            Some(pieces) => *pieces += added.quantity,
            None => _ = self.pieces.insert(added.product_id.clone(), added.quantity),
        }
    }
}

impl Cart {
    pub(crate) fn pieces(&self) -> u32 {
        self.pieces.values().sum()
    }
}

/// An order: asked for, then paid.
#[derive(Debug, Default)]
pub(crate) struct Order {
    is_paid: bool,
}

#[actor]
impl Order {
    #[command]
    pub(crate) fn place(&self, total: u32) -> Placed {
        Placed { total }
    }

    #[event]
    pub(crate) fn placed(
        &mut self,
        #[expect(unused, reason = "it is kept for the reaction")] total: u32,
    ) {
    }

    #[reaction]
    pub(crate) fn bill(&self, placed: &Placed) -> Pay {
        Pay {
            amount: placed.total,
        }
    }

    #[command]
    pub(crate) fn pay(&self, amount: u32) -> Option<Paid> {
        (!self.is_paid).then_some(Paid { amount })
    }

    #[event]
    pub(crate) fn paid(
        &mut self,
        #[expect(unused, reason = "only that it was paid matters")] amount: u32,
    ) {
        self.is_paid = true;
    }
}

/// A cart, as it is listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) cart: String,
    pub(crate) pieces: u64,
    pub(crate) cents: u64,
}

/// The collection of [`Totals`].
pub(crate) const TOTALS: &str = "totals";

#[projector]
impl Totals {
    #[state]
    pub(crate) fn new(id: &StreamId) -> Self {
        Self {
            cart: id.to_string(),
            pieces: 0,
            cents: 0,
        }
    }

    #[event]
    pub(crate) fn added(&mut self, added: &ItemAdded) {
        self.pieces += u64::from(added.quantity);
        self.cents += u64::from(added.quantity) * u64::from(added.price);
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put(TOTALS, &self.cart, self).await
    }
}

/// [`Totals`], as a row.
#[derive(Debug, Projection)]
#[projection(table = "cart_totals")]
pub(crate) struct CartTotals {
    #[key]
    cart: String,
    pub(crate) pieces: u64,
    cents: u64,
}

#[projector]
impl CartTotals {
    #[event(key = Self::of_stream)]
    fn added(row: Option<Self>, event: &Message<ItemAdded>) -> Self {
        let row = row.unwrap_or_else(|| Self {
            cart: Self::of_stream(event),
            pieces: 0,
            cents: 0,
        });
        let ItemAdded {
            price, quantity, ..
        } = event.payload;
        Self {
            pieces: row.pieces + u64::from(quantity),
            cents: row.cents + u64::from(quantity) * u64::from(price),
            ..row
        }
    }

    fn of_stream(event: &Message<ItemAdded>) -> String {
        event.stream_id.to_string()
    }
}

/// Counts pieces, in memory.
#[derive(Debug, Default)]
pub(crate) struct Tally;

/// What [`Tally`] came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pieces(pub(crate) Arc<AtomicUsize>);

#[handler]
impl Tally {
    #[on]
    fn added(&self, added: &ItemAdded, pieces: Res<Pieces>) {
        pieces
            .0
            .fetch_add(added.quantity as usize, Ordering::Relaxed);
    }
}

/// [`CartTotals`], kept in the order of the whole log.
#[derive(Debug, Projection)]
#[projection(table = "log_totals")]
pub(crate) struct LogTotals {
    #[key]
    cart: String,
    pub(crate) pieces: u64,
    cents: u64,
}

#[projector(global_order)]
impl LogTotals {
    #[event(key = Self::of_stream)]
    fn added(row: Option<Self>, event: &Message<ItemAdded>) -> Self {
        let row = row.unwrap_or_else(|| Self {
            cart: Self::of_stream(event),
            pieces: 0,
            cents: 0,
        });
        let ItemAdded {
            price, quantity, ..
        } = event.payload;
        Self {
            pieces: row.pieces + u64::from(quantity),
            cents: row.cents + u64::from(quantity) * u64::from(price),
            ..row
        }
    }

    fn of_stream(event: &Message<ItemAdded>) -> String {
        event.stream_id.to_string()
    }
}
