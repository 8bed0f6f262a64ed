//! An actor under another name: what was stored under the old one is read, and nothing is handled again.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use sourced::prelude::*;
use sourced::{Memory, Outcome, Selection};

mod yesterday {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Cart;

    #[actor]
    impl Cart {
        #[command]
        pub(crate) fn add(&self, product: String) -> Added {
            Added { product }
        }

        #[event]
        pub(crate) fn added(&mut self, _product: String) {}
    }
}

mod today {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub(crate) struct Cart {
        pub(crate) products: Vec<String>,
    }

    #[actor("shop.cart", alias = "cart")]
    impl Cart {
        #[command]
        pub(crate) fn add(&self, product: String) -> Added {
            Added { product }
        }

        #[event]
        pub(crate) fn added(&mut self, product: String) {
            self.products.push(product);
        }

        #[command]
        pub(crate) fn count(&self, history: &History) -> Result<Counted, Failure> {
            Ok(Counted {
                n_added: history.of::<Added>()?.len(),
            })
        }

        #[event]
        pub(crate) fn counted(&mut self, _n_added: usize) {}
    }
}

async fn work(app: &App) {
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn a_renamed_actor_reads_its_old_messages_and_decides_none_of_them_twice() {
    let backend = Memory::new();
    let old = App::builder()
        .backend(backend.clone())
        .register::<yesterday::Cart>();
    let old = old.build().await.unwrap();
    let add = |product: &str| yesterday::Add {
        product: product.to_owned(),
    };
    old.dispatch(add("tea").to("cart-1")).await.unwrap();
    work(&old).await;
    let waiting = old.dispatch(add("cup").to("cart-1")).await.unwrap();

    let new = App::builder().backend(backend).register::<today::Cart>();
    let new = new.build().await.unwrap();
    work(&new).await;
    let log = new.log(Selection::all()).page(10).await.unwrap().messages;
    let names: Vec<&str> = log
        .iter()
        .map(|message| message.type_name.as_str())
        .collect();
    assert_eq!(
        names,
        ["cart.add", "cart.added", "cart.add", "shop.cart.added"]
    );
    assert!(matches!(
        new.outcome(waiting.id).await.unwrap(),
        Outcome::Applied(_)
    ));
    let cart = new.actor::<today::Cart>("cart-1");
    assert_eq!(cart.load().await.unwrap().state().products, ["tea", "cup"]);
    assert_eq!(cart.count().await.unwrap().n_added, 2);
    assert_eq!(new.topology().nodes[0].group.as_str(), "cart");
}
