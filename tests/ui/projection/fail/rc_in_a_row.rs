//! A row has an `Rc`.

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

#[derive(Debug, Projection)]
struct Line {
    #[key]
    product: String,
    n_added: u32,
    #[projection(json)]
    shop: Option<std::rc::Rc<str>>,
}

#[projector]
impl Line {
    #[event]
    fn added(row: Option<Self>, added: &ItemAdded) -> Self {
        let n_added = row.map_or(0, |row| row.n_added) + 1;
        let product = added.product.clone();
        Self { product, n_added, shop: None }
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let app = App::builder().register::<Cart>().register::<Line>().build().await?;
    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item("tea").await?;
    println!("{} is in the cart", added.product);
    let product = "milk".to_owned();
    app.dispatch(AddItem { product }.to("cart-1")).await?;
    for line in app.rows::<Line>().all().await? {
        println!("{} of {}", line.n_added, line.product);
    }
    Ok(())
}
