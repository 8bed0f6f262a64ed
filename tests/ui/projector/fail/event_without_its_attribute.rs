//! The struct of an event has no attribute.

use sourced::prelude::*;

#[command("cart.add_item")]
struct AddItem {
    product: String,
}

struct ItemAdded {
    product: String,
}

#[derive(Debug, Default)]
struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    fn add_item(&self, command: &AddItem) {
        println!("{} of {}", command.product, self.n_items);
    }

}

#[derive(Debug, Default)]
struct Listing {
    n_items: u32,
}

#[projector]
impl Listing {
    #[event]
    fn added(&mut self, _: &ItemAdded) {
        self.n_items += 1;
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", id, &self.n_items).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Cart>().register::<Listing>().build().await?;
    let cart = app.actor::<Cart>("cart-1");
    cart.add_item(AddItem { product: "tea".to_owned() }).await?;
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    println!("{} items", cart.load().await?.state().n_items);
    Ok(())
}
