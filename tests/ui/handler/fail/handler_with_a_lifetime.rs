//! A handler borrows.

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

struct Mailer;

impl Mailer {
    async fn send(&self, text: &str) -> Result<(), Failure> {
        println!("{text}");
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Greeter<'a>(&'a str);

#[handler]
impl Greeter<'_> {
    #[on]
    async fn added(&self, added: &ItemAdded, mailer: Res<Mailer>) -> Result<(), Failure> {
        mailer.send(&added.product).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder()
        .register::<Cart>()
        .register::<Greeter>()
        .resource(Mailer)
        .build()
        .await?;
    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item("tea").await?;
    println!("{} is in the cart", added.product);
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    println!("{} items", cart.load().await?.state().n_items);
    Ok(())
}
