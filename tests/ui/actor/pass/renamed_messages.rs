//! Messages of other names and shapes, beside a method each.

#![deny(warnings, missing_docs)]

use sourced::prelude::*;

/// What a cart was told before it could count.
#[command("cart.put")]
pub struct Put {
    /// The product.
    pub product: String,
}

/// A cart.
#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    /// Adds a product.
    #[command("cart.add", alias = "cart.insert", was = Put)]
    pub fn add_item(&self, product: String, quantity: u32) -> ItemAdded {
        ItemAdded { product, quantity }
    }

    /// A product was added.
    #[event(alias = "cart.added", alias = "cart.inserted")]
    pub fn item_added(&mut self, _product: String, quantity: u32) {
        self.n_items += quantity;
    }
}

impl From<Put> for AddItem {
    fn from(old: Put) -> Self {
        Self {
            product: old.product,
            quantity: 1,
        }
    }
}

fn main() {
    use sourced::MessageType;
    assert_eq!(AddItem::NAME, "cart.add");
    assert_eq!(AddItem::names(), ["cart.add", "cart.insert", "cart.put"]);
    assert_eq!(ItemAdded::NAME, "cart.item_added");
    assert_eq!(Cart::default().n_items, 0);
}
