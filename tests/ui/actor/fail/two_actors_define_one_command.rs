//! Two actors of a module define one command and one event.

use sourced::prelude::*;

#[derive(Debug, Default)]
struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    fn add_item(&self, product: String) -> ItemAdded {
        ItemAdded { product }
    }

    #[event]
    fn item_added(&mut self, _product: String) {
        self.n_items += 1;
    }
}

#[derive(Debug, Default)]
struct Order {
    n_items: u32,
}

#[actor]
impl Order {
    #[command]
    fn add_item(&self, product: String, quantity: u32) -> ItemAdded {
        ItemAdded { product, quantity }
    }

    #[event]
    fn item_added(&mut self, _product: String, quantity: u32) {
        self.n_items += quantity;
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Cart>().register::<Order>().build().await?;
    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item("tea").await?;
    println!("{} is in the cart", added.product);
    app.actor::<Order>("order-1").add_item("tea", 2).await?;
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    println!("{} items", cart.load().await?.state().n_items);
    Ok(())
}
