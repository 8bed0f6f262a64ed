//! A command method takes a struct that is no message.

use sourced::prelude::*;

struct Wish {
    product: String,
}

#[derive(Debug, Default)]
struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    fn add_item(&self, wish: &Wish) -> ItemAdded {
        ItemAdded { product: wish.product.clone() }
    }

    #[event]
    fn item_added(&mut self, _product: String) {
        self.n_items += 1;
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Cart>().build().await?;
    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item(Wish { product: "tea".to_owned() }).await?;
    println!("{} is in the cart", added.product);
    let product = "milk".to_owned();
    app.dispatch(Wish { product }.to("cart-1")).await?;
    println!("{} items", cart.load().await?.state().n_items);
    Ok(())
}
