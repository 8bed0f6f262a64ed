//! The shop that the guides are about: a cart, its listing, a mailer, and offers. The examples of the guides are compiled and run
//! as doc tests of this crate.

pub mod orders;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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

/// An offer, which ends by itself.
#[derive(Debug, Default)]
pub struct Offer {
    is_over: bool,
}

/// It cannot be taken any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the offer is over")]
pub struct Over;

#[actor]
impl Offer {
    /// Offers something at this price.
    #[command]
    pub fn make(&self, price: u64) -> Made {
        Made { price }
    }

    /// It can be taken from now on.
    #[event]
    pub fn made(&mut self, _price: u64) {}

    #[reaction]
    fn let_it_end(&self, _: &Made) -> Outgoing<Withdraw> {
        Withdraw.after(Duration::from_hours(48))
    }

    /// Takes it.
    ///
    /// # Errors
    /// [`Over`].
    #[command]
    pub fn accept(&self) -> Result<Accepted, Over> {
        if self.is_over {
            return Err(Over);
        }
        Ok(Accepted)
    }

    /// Somebody has taken it.
    #[event]
    pub fn accepted(&mut self) {
        self.is_over = true;
    }

    /// The end of its time, when nobody has taken it.
    #[command]
    pub fn withdraw(&self) -> Option<Withdrawn> {
        (!self.is_over).then_some(Withdrawn)
    }

    /// Nobody has taken it in time.
    #[event]
    pub fn withdrawn(&mut self) {
        self.is_over = true;
    }
}

#[cfg(doctest)]
#[doc = include_str!("app.md")]
mod app {}

#[cfg(doctest)]
#[doc = include_str!("laws.md")]
mod laws {}

#[cfg(doctest)]
#[doc = include_str!("messages.md")]
mod messages {}

#[cfg(doctest)]
#[doc = include_str!("operations.md")]
mod operations {}

#[cfg(doctest)]
#[doc = include_str!("projections.md")]
mod projections {}

#[cfg(doctest)]
#[doc = include_str!("testing.md")]
mod testing {}

#[cfg(doctest)]
#[doc = include_str!("simulation.md")]
mod simulation {}
