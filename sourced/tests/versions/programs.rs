//! A shop in three versions.

use serde::{Deserialize, Serialize};
use sourced::Memory;
use sourced::prelude::*;

/// The program as it was first written.
pub(crate) mod yesterday {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Cart;

    #[actor]
    impl Cart {
        #[command]
        pub fn put(&self, product: String) -> ItemPut {
            ItemPut { product }
        }

        #[event]
        pub fn item_put(&mut self, _product: String) {}

        #[command]
        pub fn place(&self) -> Placed {
            Placed
        }

        #[event]
        pub fn placed(&mut self) {}
    }
}

/// The second version: an item has a quantity.
pub(crate) mod last_week {
    use sourced::prelude::*;

    /// As the first program stored it.
    #[event("cart.item_put")]
    pub struct ItemPut {
        pub product: String,
    }

    #[event("cart.item_added", alias = "cart.item_inserted", was = ItemPut)]
    pub struct ItemAdded {
        pub product: String,
        pub quantity: u32,
    }

    impl From<ItemPut> for ItemAdded {
        fn from(old: ItemPut) -> Self {
            let (product, quantity) = (old.product, 1);
            Self { product, quantity }
        }
    }
}

/// The third: products have numbers.
pub(crate) mod today {
    use super::last_week;
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Cart {
        pub items: Vec<(String, u32)>,
        pub is_placed: bool,
    }

    #[command("cart.put")]
    pub struct Put {
        pub product: String,
    }

    #[actor]
    impl Cart {
        #[command("cart.add", was = Put)]
        pub fn add(&self, sku: String, quantity: u32) -> ItemAdded {
            ItemAdded { sku, quantity }
        }

        #[event("cart.item_added.v3", was = last_week::ItemAdded)]
        pub fn item_added(&mut self, sku: String, quantity: u32) {
            self.items.push((sku, quantity));
        }

        #[command(alias = "cart.place")]
        pub fn order(&self) -> Ordered {
            Ordered
        }

        #[event(alias = "cart.placed", alias = "cart.closed")]
        pub fn ordered(&mut self) {
            self.is_placed = true;
        }

        #[reaction]
        fn count(&self, added: &ItemAdded) -> Count {
            let n_items = added.quantity;
            Count { n_items }
        }

        #[command]
        fn count_items(&self, command: &Count) -> Counted {
            let n_items = command.n_items;
            Counted { n_items }
        }

        #[event]
        fn counted(&mut self, _n_items: u32) {}
    }

    #[command("cart.count")]
    struct Count {
        n_items: u32,
    }

    impl From<Put> for Add {
        fn from(old: Put) -> Self {
            let (sku, quantity) = (old.product, 1);
            Self { sku, quantity }
        }
    }

    impl From<last_week::ItemAdded> for ItemAdded {
        fn from(old: last_week::ItemAdded) -> Self {
            let (sku, quantity) = (format!("sku-{}", old.product), old.quantity);
            Self { sku, quantity }
        }
    }
}

/// A read model of today.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
pub(crate) struct Listing {
    pub(crate) id: String,
    pub(crate) skus: Vec<String>,
    pub(crate) is_placed: bool,
}

#[projector]
impl Listing {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self {
            id: id.to_string(),
            skus: Vec::new(),
            is_placed: false,
        }
    }

    #[event]
    fn added(&mut self, event: &today::ItemAdded) {
        self.skus.push(event.sku.clone());
    }

    #[event]
    fn ordered(&mut self, _: &today::Ordered) {
        self.is_placed = true;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, self).await
    }
}

pub(crate) async fn app_of_yesterday(backend: &Memory) -> App {
    let builder = App::builder().backend(backend.clone());
    builder.register::<yesterday::Cart>().build().await.unwrap()
}

pub(crate) async fn app_of_today(backend: &Memory) -> App {
    let builder = App::builder().backend(backend.clone());
    let builder = builder.register::<today::Cart>().register::<Listing>();
    builder.build().await.unwrap()
}
