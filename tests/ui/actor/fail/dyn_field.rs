//! A field is a trait object.

use sourced::prelude::*;

#[derive(Debug, Default)]
struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    fn add_item(&self, product: Box<dyn ToString>) -> ItemAdded {
        ItemAdded { product: product.to_string() }
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
    let added = cart.add_item(Box::new("tea")).await?;
    println!("{} is in the cart", added.product);
    let product = "milk".to_owned();
    app.dispatch(AddItem { product: Box::new(product) }.to("cart-1")).await?;
    println!("{} items", cart.load().await?.state().n_items);
    Ok(())
}
