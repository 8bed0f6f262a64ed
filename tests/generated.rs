//! A cart and its listing, written with the macros, through workers and back.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use sourced::Outcome;
use sourced::prelude::*;

#[derive(Debug, Default)]
struct Cart {
    n_items: u32,
}

#[derive(Debug, thiserror::Error, PartialEq)]
enum CartError {
    #[error("the cart is full")]
    Full,
}

struct Outbox(Mutex<Vec<String>>);

impl Outbox {
    async fn send(&self, text: String) -> Result<(), Failure> {
        tokio::task::yield_now().await;
        let mut sent = self.0.lock().map_err(|_| Failure::msg("poisoned"))?;
        sent.push(text);
        Ok(())
    }
}

#[actor]
impl Cart {
    /// Adds a product.
    #[command]
    fn add_item(&self, product_id: String, price: u64) -> Result<ItemAdded, CartError> {
        if self.n_items >= 2 {
            return Err(CartError::Full);
        }
        Ok(ItemAdded { product_id, price })
    }

    #[event]
    fn item_added(&mut self, _product_id: String, _price: u64) {
        self.n_items += 1;
    }

    #[reaction]
    fn tell_admin(&self, added: &ItemAdded) -> SendMail {
        SendMail {
            text: format!("{} is number {}", added.product_id, self.n_items),
        }
    }

    #[command]
    async fn send_mail(&self, text: String, outbox: Res<Outbox>) -> Result<(), Failure> {
        outbox.send(text).await
    }
}

#[derive(Debug, Default, Serialize, Deserialize, PartialEq)]
struct Listing {
    id: String,
    total: u64,
}

#[projector]
impl Listing {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self {
            id: id.to_string(),
            total: 0,
        }
    }

    #[event]
    fn added(&mut self, event: &ItemAdded) {
        self.total += event.price;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, self).await
    }
}

#[tokio::test]
async fn a_cart_runs_through_workers() {
    let app = App::builder()
        .register::<Cart>()
        .register::<Listing>()
        .resource(Outbox(Mutex::default()))
        .build()
        .await
        .unwrap();
    let running = app.start();
    let receipt = app
        .dispatch(
            AddItem {
                product_id: "p1".into(),
                price: 10,
            }
            .to("cart-1"),
        )
        .await
        .unwrap();
    let Outcome::Applied(events) = receipt.outcome().await.unwrap() else {
        panic!("not applied")
    };
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].causation_id, receipt.id);

    let cart = app.actor::<Cart>("cart-1");
    let added = cart.add_item("p2", 5).await.unwrap();
    assert_eq!(
        added,
        ItemAdded {
            product_id: "p2".into(),
            price: 5
        }
    );
    assert_eq!(
        cart.add_item("p3", 5).await.unwrap_err().refusal(),
        Some(CartError::Full)
    );

    let refused = app
        .dispatch(
            AddItem {
                product_id: "p3".into(),
                price: 10,
            }
            .to("cart-1"),
        )
        .await
        .unwrap();
    assert_eq!(
        refused.outcome().await.unwrap(),
        Outcome::Refused("the cart is full".into())
    );

    app.idle().await.unwrap();
    let listing = app
        .backend()
        .document("listings", "cart-1")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        listing.decode::<Listing>().unwrap(),
        Listing {
            id: "cart-1".into(),
            total: 15
        }
    );
    assert_eq!(app.load::<Cart>("cart-1").await.unwrap().state().n_items, 2);
    let report = running.stop().await;
    assert_eq!(report.aborted, 0);
    assert!(report.handled >= 6, "{report:?}");
    let log = app
        .log(sourced::Selection::all())
        .page(100)
        .await
        .unwrap()
        .messages;
    let types: Vec<&str> = log
        .iter()
        .map(|message| message.type_name.as_str())
        .collect();
    let added = ["cart.add_item", "cart.item_added", "cart.send_mail"];
    assert!(added.iter().all(|name| types.contains(name)), "{types:?}");
}

#[tokio::test]
async fn a_missing_resource_is_named_when_the_app_is_built() {
    let error = App::builder().register::<Cart>().build().await.unwrap_err();
    assert!(error.to_string().contains("Outbox"), "{error}");
}

/// `main` prints the `Debug` of what it returns.
#[tokio::test]
async fn what_main_prints_says_what_to_do() {
    let build = async || App::builder().register::<Cart>().build().await.map(drop);
    let error = build().await.unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
    assert!(
        format!("{error:?}").contains("add `.resource(..)`"),
        "{error:?}"
    );
    let failure = Failure::from(error);
    assert!(
        format!("{failure:?}").contains("add `.resource(..)`"),
        "{failure:?}"
    );
    let boxed: Box<dyn std::error::Error> = build().await.unwrap_err().into();
    assert!(
        format!("{boxed:?}").contains("add `.resource(..)`"),
        "{boxed:?}"
    );

    let app = App::builder().build().await.unwrap();
    let reason = String::new();
    let reset = Reset { reason }.to("lamp-1");
    let error = app.dispatch(reset).await.unwrap_err();
    assert!(
        format!("{error:?}").contains("register the one that does"),
        "{error:?}"
    );
}

/// A lamp, for the shapes that the cart does not have.
#[derive(Debug)]
struct Lamp {
    id: String,
    last: Option<u64>,
}

#[command("lamps.reset")]
struct Reset {
    reason: String,
}

#[event("lamps.reset_done")]
struct ResetDone;

#[actor("shop.lamp")]
impl Lamp {
    #[state]
    fn new(id: &StreamId) -> Self {
        let id = id.to_string();
        Self { id, last: None }
    }

    #[reaction]
    fn note_everything_else(&self, id: &StreamId) -> Note {
        let same = self.id == id.as_str();
        Note {
            text: format!("same stream: {same}"),
        }
    }

    #[command]
    fn switch(&self, #[serde(default = "yes")] on: bool) -> (Option<Lit>, Vec<Dimmed>) {
        (on.then_some(Lit), vec![Dimmed { to: 1 }, Dimmed { to: 2 }])
    }

    #[command]
    fn reset(&self, command: &Message<Reset>, id: &StreamId) -> Option<ResetDone> {
        (&command.stream_id == id && command.payload.reason == "storm").then_some(ResetDone)
    }

    #[command]
    fn note(&self, text: String) -> Noted {
        Noted { text }
    }

    #[event]
    fn lit(&mut self) {
        self.last = None;
    }

    #[event]
    fn dimmed(&mut self, event: &Message<Dimmed>) {
        self.last = Some(event.payload.to);
    }

    #[event]
    fn reset_done(&mut self, _: &ResetDone) {
        self.last = None;
    }

    #[event]
    fn noted(&mut self, _text: String) {}

    #[reaction(Noted, Dimmed)]
    fn leave_it(&self) {}
}

#[event("shop.lamp.dimmed")]
struct Dimmed {
    to: u64,
}

fn yes() -> bool {
    true
}

#[tokio::test]
async fn every_shape_of_handler_runs() {
    let app = App::builder().register::<Lamp>().build().await.unwrap();
    let lamp = app.actor::<Lamp>("lamp-1");
    let (lit, dimmed) = lamp.switch(true).await.unwrap();
    assert_eq!((lit, dimmed.len()), (Some(Lit), 2));
    let loaded = lamp.clone().load().await.unwrap();
    assert_eq!(loaded.state().last, Some(2));
    let reason = "storm".to_owned();
    assert_eq!(lamp.reset(Reset { reason }).await.unwrap(), Some(ResetDone));

    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    let log = app
        .log(sourced::Selection::all())
        .page(100)
        .await
        .unwrap()
        .messages;
    let types: Vec<&str> = log
        .iter()
        .map(|message| message.type_name.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "shop.lamp.switch",
            "shop.lamp.lit",
            "shop.lamp.dimmed",
            "shop.lamp.dimmed",
            "lamps.reset",
            "lamps.reset_done",
            "shop.lamp.note",
            "shop.lamp.note",
            "shop.lamp.noted",
            "shop.lamp.noted",
        ]
    );
    let stored = log
        .iter()
        .filter(|message| message.type_name.as_str() == "shop.lamp.noted");
    for message in stored {
        let noted: Message<Noted> = message.decode().unwrap();
        assert_eq!(noted.payload.text, "same stream: true");
    }
}

#[test]
fn the_attributes_of_parameters_are_those_of_fields() {
    let old = sourced::Payload::parse("{}").unwrap();
    assert_eq!(old.decode::<Switch>().unwrap(), Switch { on: true });
}

#[test]
fn handlers_stay_ordinary_methods() {
    let added = Cart::default().add_item("p1".into(), 10);
    assert_eq!(added.unwrap().product_id, "p1");
}
