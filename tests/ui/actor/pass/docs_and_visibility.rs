//! Generated items are documented, and as visible as what they are generated from.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![deny(clippy::pedantic)]

/// A cart.
pub mod cart {
    use sourced::prelude::*;

    /// What a cart remembers.
    #[derive(Debug, Default)]
    pub struct Cart {
        n_items: u32,
    }

    #[actor]
    impl Cart {
        /// Adds a product.
        #[command]
        pub fn add_item(
            &self,
            /// Which product.
            product_id: String,
            #[serde(default = "one")] quantity: u32,
        ) -> ItemAdded {
            ItemAdded { product_id, quantity }
        }

        /// A product was added.
        #[event]
        pub fn item_added(&mut self, _product_id: String, quantity: u32) {
            self.n_items += quantity;
        }

        #[command]
        fn tidy(&self) {}

        #[command]
        pub(crate) fn count(&self) {}
    }

    fn one() -> u32 {
        1
    }
}

mod private {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    struct Till {
        n_sold: u32,
    }

    #[actor]
    impl Till {
        #[command]
        fn sell(&self, product_id: String) -> Sold {
            Sold { product_id }
        }

        #[event]
        fn sold(&mut self, _product_id: String) {
            self.n_sold += 1;
        }
    }

    pub(crate) fn register(builder: sourced::AppBuilder) -> sourced::AppBuilder {
        builder.register::<Till>()
    }
}

fn main() {
    _ = private::register(sourced::App::builder());
    _ = cart::AddItem { product_id: "p1".to_owned(), quantity: 1 };
    _ = cart::Count;
}
