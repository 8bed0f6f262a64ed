//! A resource is asked for that may be missing.

use sourced::prelude::*;

struct Mailer;

impl Mailer {
    async fn send(&self, text: &str) -> Result<(), Failure> {
        println!("{text}");
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    async fn add_item(&self, product: String, mailer: Option<Res<Mailer>>) -> Result<ItemAdded, Failure> {
        mailer.unwrap().send(&product).await?;
        Ok(ItemAdded { product })
    }

    #[event]
    fn item_added(&mut self, _product: String) {
        self.n_items += 1;
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Cart>().resource(Mailer).build().await?;
    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item("tea").await?;
    println!("{} is in the cart", added.product);
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    println!("{} items", cart.load().await?.state().n_items);
    Ok(())
}
