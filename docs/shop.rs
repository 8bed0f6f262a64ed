//! The shop that the guides are about: a cart, its listing, and a mailer. The examples of the guides are compiled and run
//! as doc tests of this crate.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use sourced::prelude::*;

/// What a cart must remember to decide on the next command.
#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
    is_placed: bool,
}

/// Why a cart says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// Nothing can be changed any more.
    #[error("the order is already placed")]
    AlreadyPlaced,
    /// There is nothing to order.
    #[error("the cart is empty")]
    Empty,
}

#[actor]
impl Cart {
    /// Adds a product.
    ///
    /// # Errors
    /// [`CartError::AlreadyPlaced`].
    #[command]
    pub fn add_item(&self, product: String, price: u64) -> Result<ItemAdded, CartError> {
        if self.is_placed {
            return Err(CartError::AlreadyPlaced);
        }
        Ok(ItemAdded { product, price })
    }

    /// A product was added.
    #[event]
    pub fn item_added(&mut self, _product: String, _price: u64) {
        self.n_items += 1;
    }

    /// Orders what is in the cart.
    ///
    /// # Errors
    /// [`CartError`].
    #[command]
    pub fn place(&self) -> Result<Placed, CartError> {
        match self {
            Self {
                is_placed: true, ..
            } => Err(CartError::AlreadyPlaced),
            Self { n_items: 0, .. } => Err(CartError::Empty),
            Self { .. } => Ok(Placed),
        }
    }

    /// The order is on its way.
    #[event]
    pub fn placed(&mut self) {
        self.is_placed = true;
    }

    #[reaction]
    fn thank(&self, _: &Placed) -> SendThanks {
        SendThanks
    }

    #[command]
    async fn send_thanks(&self, mailer: Res<Mailer>) -> Result<(), Failure> {
        mailer.send("thank you").await
    }
}

/// A cart, as it is listed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CartListing {
    /// The cart.
    pub cart: String,
    /// What it costs.
    pub total: u64,
    /// Whether it is ordered.
    pub is_placed: bool,
}

#[projector]
impl CartListing {
    #[state]
    fn new(id: &StreamId) -> Self {
        let cart = id.to_string();
        Self {
            cart,
            ..Self::default()
        }
    }

    #[event]
    fn added(&mut self, event: &ItemAdded) {
        self.total += event.price;
    }

    #[event]
    fn placed(&mut self, _: &Placed) {
        self.is_placed = true;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("cart_listings", &self.cart, self).await
    }
}

/// Stands for a mail server.
#[derive(Debug, Default)]
pub struct Mailer {
    n_sent: AtomicUsize,
}

impl Mailer {
    /// Sends a mail.
    ///
    /// # Errors
    /// [`Failure`] when the server is away.
    #[expect(clippy::unused_async, reason = "a real one waits for the network")]
    pub async fn send(&self, _text: &str) -> Result<(), Failure> {
        self.n_sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// How many mails were sent.
    pub fn n_sent(&self) -> usize {
        self.n_sent.load(Ordering::Relaxed)
    }
}

#[cfg(doctest)]
#[doc = include_str!("app.md")]
mod app {}

#[cfg(doctest)]
#[doc = include_str!("messages.md")]
mod messages {}

#[cfg(doctest)]
#[doc = include_str!("operations.md")]
mod operations {}
