//! A shopping cart: what it can be asked to do, when it says no, and what happened to it.

use std::collections::BTreeMap;

use sourced::prelude::*;

/// What a cart must remember to decide on the next command.
#[derive(Debug, Default)]
pub struct Cart {
    lines: BTreeMap<String, Line>,
    /// What is still to be paid for, once it is ordered.
    due: Option<u64>,
}

/// So many pieces of one product.
#[derive(Debug, Default)]
struct Line {
    price: u32,
    quantity: u32,
}

/// No cart holds more pieces than this.
pub const MAX_PIECES: u32 = 500;

/// Why a cart says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// Nothing can be changed once the order is on its way.
    #[error("the order is already placed")]
    AlreadyPlaced,
    /// There is nothing to order.
    #[error("the cart is empty")]
    Empty,
    /// Adding none of a product says nothing.
    #[error("the quantity must be at least 1")]
    NothingToAdd,
    /// Only what is in the cart can be taken out of it.
    #[error("the product `{0}` is not in the cart")]
    NotInCart(String),
    /// It would hold too much.
    #[error("a cart holds at most {MAX_PIECES} pieces, this would make {0}")]
    TooMany(u64),
}

/// A product came into the cart, or more of it. It says more than the cart itself must remember.
#[event("cart.item_added")]
#[derive(Debug, Clone, PartialEq)]
pub struct ItemAdded {
    /// The product.
    pub product_id: String,
    /// What it was called then.
    pub name: String,
    /// What one piece costs now, in cents.
    pub price: u32,
    /// How many pieces more.
    pub quantity: u32,
}

#[actor]
impl Cart {
    /// Puts pieces of a product into the cart. A product that is in it already takes the new price.
    #[command]
    pub fn add_item(
        &self,
        product_id: String,
        name: String,
        price: u32,
        quantity: u32,
    ) -> Result<ItemAdded, CartError> {
        self.must_be_open()?;
        if quantity == 0 {
            return Err(CartError::NothingToAdd);
        }
        let pieces = self.pieces() + u64::from(quantity);
        if pieces > u64::from(MAX_PIECES) {
            return Err(CartError::TooMany(pieces));
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
        let line = self.lines.entry(added.product_id.clone()).or_default();
        line.price = added.price;
        line.quantity = line.quantity.saturating_add(added.quantity);
    }

    /// Takes a product out of the cart, all pieces of it.
    #[command]
    pub fn remove_item(&self, product_id: String) -> Result<ItemRemoved, CartError> {
        self.must_be_open()?;
        if !self.lines.contains_key(&product_id) {
            return Err(CartError::NotInCart(product_id));
        }
        Ok(ItemRemoved { product_id })
    }

    /// A product left the cart.
    #[event]
    pub fn item_removed(&mut self, product_id: String) {
        self.lines.remove(&product_id);
    }

    /// Orders what is in the cart.
    #[command]
    pub fn place(&self) -> Result<Placed, CartError> {
        self.must_be_open()?;
        if self.lines.is_empty() {
            return Err(CartError::Empty);
        }
        Ok(Placed {
            total: self.total(),
        })
    }

    /// The order is on its way; it costs `total` cents.
    #[event]
    pub fn placed(&mut self, total: u64) {
        self.due = Some(total);
    }

    /// Whoever orders must pay.
    #[reaction]
    pub(crate) fn bill(&self, placed: &Placed) -> RequestPayment {
        RequestPayment {
            amount: placed.total,
        }
    }

    /// Asks for the money.
    #[command]
    pub fn request_payment(&self, amount: u64) -> PaymentRequested {
        PaymentRequested { amount }
    }

    /// The money was asked for.
    #[event]
    pub fn payment_requested(&mut self, amount: u64) {
        self.due = self.due.map(|due| due.saturating_sub(amount));
    }
}

impl Cart {
    fn must_be_open(&self) -> Result<(), CartError> {
        match self.due {
            Some(_) => Err(CartError::AlreadyPlaced),
            None => Ok(()),
        }
    }

    fn pieces(&self) -> u64 {
        self.lines
            .values()
            .map(|line| u64::from(line.quantity))
            .sum()
    }

    fn total(&self) -> u64 {
        self.lines
            .values()
            .map(|line| u64::from(line.price) * u64::from(line.quantity))
            .sum()
    }
}
