//! Other names and other shapes, on every path that reads.

use serde::Deserialize;
use sourced::prelude::*;
use sourced::{Memory, MessageType as _, Outcome};

use crate::programs::*;
use crate::{log, names};

async fn listing(app: &App, id: &str) -> Option<Listing> {
    let document = app.backend().document("listings", id).await.unwrap()?;
    Some(document.decode().unwrap())
}

#[test]
fn a_type_is_read_under_its_name_its_aliases_and_all_that_it_was() {
    assert_eq!(
        today::ItemAdded::names(),
        [
            "cart.item_added.v3",
            "cart.item_added",
            "cart.item_inserted",
            "cart.item_put"
        ]
    );
    assert_eq!(
        today::Ordered::names(),
        ["cart.ordered", "cart.placed", "cart.closed"]
    );
    assert_eq!(today::Add::names(), ["cart.add", "cart.put"]);
}

#[tokio::test]
async fn history_of_old_names_and_shapes_is_loaded() {
    let backend = Memory::new();
    let old = app_of_yesterday(&backend).await;
    let cart = old.actor::<yesterday::Cart>("cart-1");
    cart.put("tea").await.unwrap();
    cart.place().await.unwrap();

    let new = app_of_today(&backend).await;
    let cart = new.load::<today::Cart>("cart-1").await.unwrap();
    assert_eq!(cart.state().items, [("sku-tea".to_owned(), 1)]);
    assert!(cart.state().is_placed);
}

#[tokio::test]
async fn waiting_commands_reactions_and_projections_read_old_messages() {
    let backend = Memory::new();
    let old = app_of_yesterday(&backend).await;
    let product = "tea".to_owned();
    let put = yesterday::Put { product }.to("cart-1");
    // Decided by nobody yet: it waits in its lane.
    let put = old.dispatch(put).await.unwrap();
    let place = yesterday::Place.to("cart-1");
    let place = old.dispatch(place).await.unwrap();
    // An event of the old shape, which nobody has reacted to yet.
    let cart = old.actor::<yesterday::Cart>("cart-2");
    cart.put("milk").await.unwrap();

    let new = app_of_today(&backend).await;
    let running = new.start();
    new.idle().await.unwrap();
    running.stop().await;

    let Outcome::Applied(events) = new.outcome(put.id).await.unwrap() else {
        panic!("not applied")
    };
    let added: Message<today::ItemAdded> = events[0].decode().unwrap();
    assert_eq!(
        added.payload,
        today::ItemAdded {
            sku: "tea".into(),
            quantity: 1
        }
    );
    let Outcome::Applied(events) = new.outcome(place.id).await.unwrap() else {
        panic!("not applied")
    };
    assert_eq!(
        names(&events),
        ["cart.ordered"],
        "stored under the new name"
    );

    let expected = |id: &str, sku: &str, is_placed| {
        let (id, skus) = (id.to_owned(), vec![sku.to_owned()]);
        Some(Listing {
            id,
            skus,
            is_placed,
        })
    };
    assert_eq!(
        listing(&new, "cart-1").await,
        expected("cart-1", "tea", true)
    );
    assert_eq!(
        listing(&new, "cart-2").await,
        expected("cart-2", "sku-milk", false)
    );
    let log = log(&new).await;
    let in_cart_2 = log
        .iter()
        .filter(|message| message.stream_id.as_str() == "cart-2")
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(
        names(&in_cart_2),
        ["cart.put", "cart.item_put", "cart.count", "cart.counted"],
        "the reaction of today ran once for the event of yesterday"
    );
}

#[tokio::test]
async fn a_decoded_message_keeps_the_name_it_was_stored_under() {
    let backend = Memory::new();
    let old = app_of_yesterday(&backend).await;
    let cart = old.actor::<yesterday::Cart>("cart-1");
    cart.put("tea").await.unwrap();
    let log = log(&old).await;
    let stored = &log[1];
    let message: Message<today::ItemAdded> = stored.decode().unwrap();
    assert_eq!(message.type_name.as_str(), "cart.item_put");
    assert_eq!(message.id, stored.id);
    assert_eq!(message.payload.sku, "sku-tea");
    let middle: Message<last_week::ItemAdded> = stored.decode().unwrap();
    assert_eq!(
        (middle.payload.product.as_str(), middle.payload.quantity),
        ("tea", 1)
    );
}

/// A shape that cannot be told from one field of the old one alone: serde reads it through another type.
#[event("cart.priced")]
#[serde(try_from = "PricedOfAnyTime")]
struct Priced {
    cents: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PricedOfAnyTime {
    Now { cents: u64 },
    Before { euros: u64, rest: u64 },
}

impl TryFrom<PricedOfAnyTime> for Priced {
    type Error = &'static str;
    fn try_from(price: PricedOfAnyTime) -> Result<Self, &'static str> {
        match price {
            PricedOfAnyTime::Now { cents } => Ok(Self { cents }),
            PricedOfAnyTime::Before { euros, rest } if rest < 100 => Ok(Self {
                cents: euros * 100 + rest,
            }),
            PricedOfAnyTime::Before { .. } => Err("more than 99 cents beside the euros"),
        }
    }
}

#[test]
fn an_upcast_across_fields_that_may_fail_is_serde_s() {
    let read = |json: &str| Priced::read("cart.priced", &sourced::Payload::parse(json).unwrap());
    assert_eq!(read(r#"{"cents":150}"#).unwrap().cents, 150);
    assert_eq!(read(r#"{"euros":1,"rest":50}"#).unwrap().cents, 150);
    let error = read(r#"{"euros":1,"rest":500}"#).unwrap_err();
    assert!(error.to_string().contains("more than 99 cents"), "{error}");
}
