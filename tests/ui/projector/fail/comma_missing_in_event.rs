//! There is no comma between the events.

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

    #[event]
    fn emptied(&mut self) {
        self.n_items = 0;
    }
}

#[derive(Debug, Default)]
struct Listing {
    n_items: u32,
}

#[projector]
impl Listing {
    #[event(ItemAdded Emptied)]
    fn added(&mut self) {
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
    let added = cart.add_item("tea").await?;
    println!("{} is in the cart", added.product);
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    println!("{:?}", app.backend().document("listings", "cart-1").await?);
    Ok(())
}
