//! The envelope of a command is taken by value.

use sourced::prelude::*;

#[command("cart.add_item")]
struct AddItem {
    product: String,
}

#[event("cart.item_added")]
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
    fn add_item(&self, command: Message<AddItem>) -> ItemAdded {
        let product = command.payload.product.clone();
        ItemAdded { product }
    }

    #[event]
    fn item_added(&mut self, event: &ItemAdded) {
        self.n_items += event.product.len() as u32;
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Cart>().build().await?;
    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item(AddItem { product: "tea".to_owned() }).await?;
    println!("{} is in the cart", added.product);
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    println!("{} items", cart.load().await?.state().n_items);
    Ok(())
}
