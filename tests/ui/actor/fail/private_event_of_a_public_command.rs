//! A public command returns an event that is private.

use sourced::prelude::*;

pub mod cart {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Cart {
        n_items: u32,
    }

    #[actor]
    impl Cart {
        #[command]
        pub fn add_item(&self, product: String) -> ItemAdded {
            ItemAdded { product }
        }

        #[event]
        fn item_added(&mut self, _product: String) {
            self.n_items += 1;
        }
    }
}

use cart::{AddItem, Cart};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Cart>().build().await?;
    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item("tea").await?;
    println!("{added:?}");
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    println!("{:?}", cart.load().await?.state());
    Ok(())
}
