//! Commands from outside that wait: for an answer of a hook or a guard, and for their time.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::sync::Arc;
use std::time::Duration;

use sourced::edge::Denied;
use sourced::prelude::*;
use sourced::{EdgeError, Gateway, Outcome, Place, Registry, Selection};
use tokio::sync::Semaphore;

#[derive(Debug, Default)]
struct Cart;

#[actor]
impl Cart {
    #[command]
    fn add_item(&self, product: String, price: u64) -> ItemAdded {
        ItemAdded { product, price }
    }

    #[event]
    fn item_added(&mut self, _product: String, _price: u64) {}

    #[command]
    fn clear(&self) {}
}

/// Tables of the shop, which answer when they have a permit, and fail when they are closed.
#[derive(Debug, Clone)]
struct Tables(Arc<Semaphore>);

impl Tables {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    async fn price(&self, product: &str) -> Result<u64, Failure> {
        self.0.acquire().await?.forget();
        Ok(product.len() as u64 * 100)
    }

    async fn may_shop(&self, user: &str) -> Result<bool, Failure> {
        self.0.acquire().await?.forget();
        Ok(user == "u-7")
    }
}

fn gateway(tables: &Tables) -> Gateway {
    let (prices, users) = (tables.clone(), tables.clone());
    Gateway::new(Registry::new().command::<AddItem>().command::<Clear>())
        .before(|draft| {
            draft.add_metadata(Metadata::new().with("channel", "web"));
            Ok(())
        })
        .before_each_async::<AddItem>(move |command, draft| {
            let prices = prices.clone();
            Box::pin(async move {
                assert_eq!(draft.metadata().get("channel").unwrap(), "web", "in order");
                command.price = prices.price(&command.product).await?;
                Ok(())
            })
        })
        .before_async(|draft| {
            Box::pin(async move {
                let command = draft.command::<AddItem>()?;
                let price = command.map_or(0, |command| command.price).to_string();
                draft.add_metadata(Metadata::new().with("seen", price));
                Ok(())
            })
        })
        .authorize_async(move |draft| {
            let users = users.clone();
            Box::pin(async move {
                let user = draft.principal().user_id().unwrap_or_default();
                if users.may_shop(user).await? {
                    Ok(())
                } else {
                    Err(Denied::new("not a customer").into())
                }
            })
        })
}

async fn accept(gateway: &Gateway, user: &str) -> Result<Outgoing, EdgeError> {
    let body = r#"{"product": "tea", "price": 0}"#;
    let incoming = gateway.command("cart.add_item", body).to("cart-1");
    incoming.by(Principal::user(user)).accept().await
}

#[tokio::test]
async fn hooks_and_guards_may_wait_and_keep_their_order() {
    let tables = Tables::new();
    let gateway = gateway(&tables);
    // One permit for the price, and one for the user.
    let (accepted, ()) = tokio::join!(accept(&gateway, "u-7"), async {
        tokio::task::yield_now().await;
        tables.0.add_permits(2);
    });
    let app = App::builder().register::<Cart>().build().await.unwrap();
    app.dispatch(accepted.unwrap()).await.unwrap();
    let log = app.log(Selection::all()).page(10).await.unwrap().messages;
    assert_eq!(log[0].payload.as_str(), r#"{"product":"tea","price":300}"#);
    assert_eq!(log[0].metadata.get("seen").unwrap(), "300");

    tables.0.add_permits(2);
    let denied = accept(&gateway, "u-8").await.unwrap_err();
    assert_eq!(denied.to_string(), "not allowed: not a customer");
}

#[tokio::test]
async fn a_hook_of_one_type_leaves_others_alone() {
    let tables = Tables::new();
    let gateway = gateway(&tables);
    tables.0.add_permits(1);
    let clear = gateway.command("cart.clear", "").to("cart-1");
    let clear = clear.by(Principal::user("u-7")).accept().await.unwrap();
    assert_eq!(clear.type_name().as_str(), "cart.clear");
}

#[tokio::test]
async fn what_cannot_be_found_out_is_a_failure_and_no_denial() {
    let tables = Tables::new();
    let gateway = gateway(&tables);
    tables.0.close();
    let error = accept(&gateway, "u-7").await.unwrap_err();
    assert!(
        matches!(error, EdgeError::Failed(_)) && !error.is_denied(),
        "{error}"
    );
}

#[tokio::test]
async fn schedule_once_a_command_from_outside_waits_for_its_time() {
    let tables = Tables::new();
    tables.0.add_permits(2);
    let command = accept(&gateway(&tables), "u-7").await.unwrap();
    let app = App::builder().register::<Cart>().build().await.unwrap();
    let later = command.after(Duration::from_hours(1));
    let receipt = app.dispatch(later).await.unwrap();
    let Place::Scheduled { at } = receipt.place else {
        panic!("not scheduled")
    };
    assert_eq!(
        app.log(Selection::all()).page(10).await.unwrap().messages,
        []
    );
    let waiting = &app.scheduled(None, 10).await.unwrap()[0];
    assert_eq!((waiting.at, waiting.message.id), (at, receipt.id));

    let workers = app.start();
    app.reschedule(receipt.id, app.env().clock.now())
        .await
        .unwrap();
    let Outcome::Applied(events) = receipt.outcome().await.unwrap() else {
        panic!("not applied")
    };
    workers.stop().await;
    // From the same client, with the same to say.
    assert_eq!(events[0].principal(), Principal::user("u-7"));
    assert_eq!(events[0].metadata.get("channel").unwrap(), "web");
    assert_eq!(
        events[0].payload.as_str(),
        r#"{"product":"tea","price":300}"#
    );
}
