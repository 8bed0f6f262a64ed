//! The listings as text: a line per cart, the same bytes on every backend.

use std::fmt::Write as _;

use sourced::App;

use crate::listings::{COLLECTION, CartListings, Item, Status};

const PAGE: usize = 1_000;

/// Reads all listings, in the byte order of the carts' ids.
///
/// # Errors
/// When the storage does not answer.
pub async fn all(app: &App) -> anyhow::Result<Vec<CartListings>> {
    let mut listings: Vec<CartListings> = Vec::new();
    loop {
        let after = listings.last().map(|listing| listing.cart.as_str());
        let page = app.backend().documents(COLLECTION, after, PAGE).await?;
        if page.is_empty() {
            return Ok(listings);
        }
        for document in page {
            listings.push(document.value.decode()?);
        }
    }
}

/// One line: `cart-1 awaiting-payment 2 pieces 12.50: 1 × "Tea" at 2.50, 1 × "Cup" at 10.00`.
pub fn line(listing: &CartListings) -> String {
    let status = match listing.status {
        Status::Open => "open",
        Status::Placed => "placed",
        Status::AwaitingPayment => "awaiting-payment",
    };
    let mut line = format!(
        "{} {status} {} pieces {}",
        listing.cart,
        listing.n_items,
        money(listing.total)
    );
    for (
        n,
        Item {
            name,
            price,
            quantity,
        },
    ) in listing.items.values().enumerate()
    {
        let separator = if n == 0 { ':' } else { ',' };
        // As JSON text: a name may hold line breaks. Writing to a `String` cannot fail.
        let name = serde_json::Value::from(name.as_str());
        _ = write!(
            line,
            "{separator} {quantity} × {name} at {}",
            money(u64::from(*price))
        );
    }
    line
}

/// All lines.
pub fn text(listings: &[CartListings]) -> String {
    listings
        .iter()
        .map(|listing| line(listing) + "\n")
        .collect()
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
