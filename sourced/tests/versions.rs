//! Messages of yesterday, read by the program of today: other names, other shapes, and types nobody knows any more.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]
#![allow(unreachable_pub, reason = "the programs are written as users do")]

use serde::{Deserialize, Serialize};
use sourced::prelude::*;
use sourced::{Memory, MessageType as _, Outcome, Position, StoredMessage};

/// The program as it was first written.
mod yesterday {
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Cart;

    #[actor]
    impl Cart {
        #[command]
        pub fn put(&self, product: String) -> ItemPut {
            ItemPut { product }
        }

        #[event]
        pub fn item_put(&mut self, _product: String) {}

        #[command]
        pub fn place(&self) -> Placed {
            Placed
        }

        #[event]
        pub fn placed(&mut self) {}
    }
}

/// The second version: an item has a quantity.
mod last_week {
    use sourced::prelude::*;

    /// As the first program stored it.
    #[event("cart.item_put")]
    pub struct ItemPut {
        pub product: String,
    }

    #[event("cart.item_added", alias = "cart.item_inserted", was = ItemPut)]
    pub struct ItemAdded {
        pub product: String,
        pub quantity: u32,
    }

    impl From<ItemPut> for ItemAdded {
        fn from(old: ItemPut) -> Self {
            let (product, quantity) = (old.product, 1);
            Self { product, quantity }
        }
    }
}

/// The third: products have numbers.
mod today {
    use super::last_week;
    use sourced::prelude::*;

    #[derive(Debug, Default)]
    pub struct Cart {
        pub items: Vec<(String, u32)>,
        pub is_placed: bool,
    }

    #[command("cart.put")]
    pub struct Put {
        pub product: String,
    }

    #[actor]
    impl Cart {
        #[command("cart.add", was = Put)]
        pub fn add(&self, sku: String, quantity: u32) -> ItemAdded {
            ItemAdded { sku, quantity }
        }

        #[event("cart.item_added.v3", was = last_week::ItemAdded)]
        pub fn item_added(&mut self, sku: String, quantity: u32) {
            self.items.push((sku, quantity));
        }

        #[command(alias = "cart.place")]
        pub fn order(&self) -> Ordered {
            Ordered
        }

        #[event(alias = "cart.placed", alias = "cart.closed")]
        pub fn ordered(&mut self) {
            self.is_placed = true;
        }

        #[reaction]
        fn count(&self, added: &ItemAdded) -> Count {
            let n_items = added.quantity;
            Count { n_items }
        }

        #[command]
        fn count_items(&self, command: &Count) -> Counted {
            let n_items = command.n_items;
            Counted { n_items }
        }

        #[event]
        fn counted(&mut self, _n_items: u32) {}
    }

    #[command("cart.count")]
    struct Count {
        n_items: u32,
    }

    impl From<Put> for Add {
        fn from(old: Put) -> Self {
            let (sku, quantity) = (old.product, 1);
            Self { sku, quantity }
        }
    }

    impl From<last_week::ItemAdded> for ItemAdded {
        fn from(old: last_week::ItemAdded) -> Self {
            let (sku, quantity) = (format!("sku-{}", old.product), old.quantity);
            Self { sku, quantity }
        }
    }
}

/// A read model of today.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Listing {
    id: String,
    skus: Vec<String>,
    is_placed: bool,
}

#[projector]
impl Listing {
    #[state]
    fn new(id: &StreamId) -> Self {
        Self {
            id: id.to_string(),
            skus: Vec::new(),
            is_placed: false,
        }
    }

    #[event]
    fn added(&mut self, event: &today::ItemAdded) {
        self.skus.push(event.sku.clone());
    }

    #[event]
    fn ordered(&mut self, _: &today::Ordered) {
        self.is_placed = true;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, self).await
    }
}

async fn app_of_yesterday(backend: &Memory) -> App {
    let builder = App::builder().backend(backend.clone());
    builder.register::<yesterday::Cart>().build().await.unwrap()
}

async fn app_of_today(backend: &Memory) -> App {
    let builder = App::builder().backend(backend.clone());
    let builder = builder.register::<today::Cart>().register::<Listing>();
    builder.build().await.unwrap()
}

async fn listing(app: &App, id: &str) -> Option<Listing> {
    let document = app.backend().document("listings", id).await.unwrap()?;
    Some(document.decode().unwrap())
}

fn names(log: &[StoredMessage]) -> Vec<&str> {
    log.iter()
        .map(|message| message.type_name.as_str())
        .collect()
}

async fn log(app: &App) -> Vec<StoredMessage> {
    app.read_log(Position::START, 100).await.unwrap()
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

#[tokio::test]
async fn types_that_nobody_knows_break_no_reader() {
    let backend = Memory::new();
    let old = app_of_yesterday(&backend).await;
    let product = "tea".to_owned();
    let put = old
        .dispatch(yesterday::Put { product }.to("cart-1"))
        .await
        .unwrap();
    let running = old.start();
    old.idle().await.unwrap();
    running.stop().await;

    // A program that has never heard of carts writes into the same stream.
    let builder = App::builder().backend(backend.clone());
    let app = builder
        .register::<Stranger>()
        .register::<Sightings>()
        .build()
        .await
        .unwrap();
    app.actor::<Stranger>("cart-1").look().await.unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;

    let stranger = app.load::<Stranger>("cart-1").await.unwrap();
    assert_eq!(stranger.state().n_looks, 1);
    let seen = app.backend().document("sightings", "cart-1").await.unwrap();
    assert_eq!(seen.unwrap().as_str(), "1");
    let log = log(&app).await;
    assert_eq!(
        names(&log),
        [
            "cart.put",
            "cart.item_put",
            "stranger.look",
            "stranger.looked"
        ]
    );
    assert_eq!(log[1].payload.as_str(), r#"{"product":"tea"}"#);
    // Nobody here decides the command, so nobody here can tell; but asking breaks nothing.
    assert_eq!(app.outcome(put.id).await.unwrap(), Outcome::Pending);
    assert!(matches!(
        old.outcome(put.id).await.unwrap(),
        Outcome::Applied(events) if names(&events) == ["cart.item_put"]
    ));
}

/// An actor that shares streams with carts and knows none of their messages.
#[derive(Debug, Default)]
struct Stranger {
    n_looks: u32,
}

#[actor]
impl Stranger {
    #[command]
    fn look(&self) -> Looked {
        Looked
    }

    #[event]
    fn looked(&mut self) {
        self.n_looks += 1;
    }
}

#[derive(Debug)]
struct Sightings {
    id: String,
    n: u32,
}

#[projector]
impl Sightings {
    #[state]
    fn new(id: &StreamId) -> Self {
        let id = id.to_string();
        Self { id, n: 0 }
    }

    #[event]
    fn looked(&mut self, _: &Looked) {
        self.n += 1;
    }

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("sightings", &self.id, &self.n).await
    }
}

/// Handles a type and what it was before.
#[derive(Debug, Default)]
struct Torn;

#[actor]
impl Torn {
    #[event]
    fn newer(&mut self, _: &last_week::ItemAdded) {}

    #[event]
    fn older(&mut self, _: &last_week::ItemPut) {}
}

#[tokio::test]
async fn an_old_type_is_not_handled_beside_the_new_one() {
    let error = App::builder().register::<Torn>().build().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("`torn`: stored as `cart.item_put`")
            && text.contains("last_week::ItemPut")
            && text.contains("last_week::ItemAdded")
            && text.contains("handle the newer type only"),
        "{text}"
    );
}

#[tokio::test]
async fn an_alias_is_decided_by_one_actor_only() {
    let builder = App::builder()
        .register::<yesterday::Cart>()
        .register::<Thief>();
    let error = builder.build().await.unwrap_err();
    assert!(
        matches!(&error, sourced::BuildError::TwoDeciders { command, .. } if command.as_str() == "cart.place"),
        "{error}"
    );
}

#[derive(Debug, Default)]
struct Thief;

#[actor]
impl Thief {
    #[command(alias = "cart.place")]
    fn take(&self) {}
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
