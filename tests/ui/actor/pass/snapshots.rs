//! An actor with snapshots, with handlers of every kind under the same table.

use serde::{Deserialize, Serialize};
use sourced::prelude::*;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

#[actor("shop.cart", snapshot_every = 100, snapshot_version = 2)]
impl Cart {
    #[command]
    fn add(&self, product: String) -> Added {
        Added { product }
    }

    #[command]
    fn add_all(&self, products: Vec<String>, emit: &mut Emitter<Self>) {
        for product in products {
            emit.event(Added { product });
        }
    }

    #[cfg(any())]
    #[command]
    fn nothing(&self, history: &History) {}

    #[event]
    fn added(&mut self, product: String) {
        self.items.push(product);
    }

    #[reaction]
    fn look_back(&self, history: &History, event: &Added) {
        assert!(!history.is_empty() && !event.product.is_empty());
    }
}

mod inner {
    use sourced::prelude::*;

    #[actor(snapshot_every = 1)]
    impl super::Door {
        #[event]
        fn opened(&mut self) {
            self.is_open = true;
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Door {
    is_open: bool,
}

fn main() {
    assert_eq!(Cart::default().add("tea".into()).product, "tea");
    assert!(!Door::default().is_open);
}
