//! What `#[actor]` and `#[projector]` write, written by hand: a cart that runs through workers.

use serde::{Deserialize, Serialize};
use sourced::__private as p;
use sourced::prelude::*;
use sourced::{Command, Event, Kind, MessageType, Outcome};

#[derive(Debug, Default)]
struct Cart {
    n_items: u32,
}

#[derive(Debug, thiserror::Error, PartialEq)]
enum CartError {
    #[error("the cart is full")]
    Full,
}

impl Cart {
    fn add_item(&self, product_id: String, price: u64) -> Result<ItemAdded, CartError> {
        if self.n_items >= 2 {
            return Err(CartError::Full);
        }
        Ok(ItemAdded { product_id, price })
    }
    fn item_added(&mut self, _product_id: String, _price: u64) {
        self.n_items += 1;
    }
    fn tell_admin(&self, added: &ItemAdded) -> SendMail {
        SendMail {
            text: format!("{} is number {}", added.product_id, self.n_items),
        }
    }
    async fn send_mail(&self, text: String, outbox: Res<Outbox>) -> Result<(), Failure> {
        outbox
            .0
            .lock()
            .map_err(|_| Failure::msg("poisoned"))?
            .push(text);
        Ok(())
    }
}

struct Outbox(std::sync::Mutex<Vec<String>>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct AddItem {
    product_id: String,
    price: u64,
}
impl MessageType for AddItem {
    const NAME: &'static str = "cart.add_item";
    const KIND: Kind = Kind::Command;
}
impl Command for AddItem {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SendMail {
    text: String,
}
impl MessageType for SendMail {
    const NAME: &'static str = "cart.send_mail";
    const KIND: Kind = Kind::Command;
}
impl Command for SendMail {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ItemAdded {
    product_id: String,
    price: u64,
}
impl MessageType for ItemAdded {
    const NAME: &'static str = "cart.item_added";
    const KIND: Kind = Kind::Event;
}
impl Event for ItemAdded {}

impl p::Actor for Cart {
    const NAME: &'static str = "cart";
    type Ref = CartRef;
    fn initial(_id: &StreamId) -> Self {
        Default::default()
    }
    fn handlers(table: &mut p::Handlers<Self>) {
        table.command::<AddItem>();
        table.event::<ItemAdded>();
        table.reaction::<ItemAdded>();
        table.command::<SendMail>().needs::<Res<Outbox>>();
    }
}
impl p::Decides<AddItem> for Cart {
    type Decision = Result<ItemAdded, CartError>;
    async fn decide(
        &self,
        message: Message<AddItem>,
        _cx: &p::Context,
    ) -> Result<Self::Decision, Failure> {
        let AddItem { product_id, price } = message.payload;
        Ok(self.add_item(product_id, price))
    }
}
impl p::Evolves<ItemAdded> for Cart {
    fn evolve(&mut self, message: Message<ItemAdded>) {
        let ItemAdded { product_id, price } = message.payload;
        self.item_added(product_id, price);
    }
}
impl p::Reacts<ItemAdded> for Cart {
    async fn react(
        &self,
        message: Message<ItemAdded>,
        _cx: &p::Context,
    ) -> Result<p::Dispatched, Failure> {
        let mut out = p::Dispatched::new();
        p::IntoDispatch::into_dispatch(self.tell_admin(&message.payload), &mut out)?;
        Ok(out)
    }
}
impl p::Decides<SendMail> for Cart {
    type Decision = Result<(), Failure>;
    async fn decide(
        &self,
        message: Message<SendMail>,
        cx: &p::Context,
    ) -> Result<Self::Decision, Failure> {
        let SendMail { text } = message.payload;
        Ok(self.send_mail(text, cx.get()?).await)
    }
}
impl p::Register for Cart {
    fn reactor() -> p::Arc<dyn p::Reactor> {
        p::ActorReactor::<Self>::shared()
    }
}
struct CartRef(p::ActorRef<Cart>);
impl From<p::ActorRef<Cart>> for CartRef {
    fn from(actor: p::ActorRef<Cart>) -> Self {
        Self(actor)
    }
}
impl CartRef {
    async fn add_item(
        &self,
        product_id: impl Into<String>,
        price: u64,
    ) -> Result<
        sourced::actor::EventsOf<Cart, AddItem>,
        p::CommandError<sourced::actor::RefusalOf<Cart, AddItem>>,
    > {
        self.0
            .execute(AddItem {
                product_id: product_id.into(),
                price,
            })
            .await
    }
}

#[derive(Debug, Default, Serialize, Deserialize, PartialEq)]
struct Listing {
    id: String,
    total: u64,
}
impl Listing {
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("listings", &self.id, self).await
    }
}
impl p::Projector for Listing {
    const NAME: &'static str = "listing";
    fn initial(id: &StreamId) -> Self {
        Self {
            id: id.to_string(),
            total: 0,
        }
    }
    fn handlers(table: &mut p::Projection<Self>) {
        table.event::<ItemAdded>();
    }
    async fn sync(&self, tx: &mut Tx<'_>, _cx: &p::Context) -> Result<(), Failure> {
        self.save(tx).await?;
        Ok(())
    }
}
impl p::Evolves<ItemAdded> for Listing {
    fn evolve(&mut self, message: Message<ItemAdded>) {
        self.total += message.payload.price;
    }
}
impl p::Register for Listing {
    fn reactor() -> p::Arc<dyn p::Reactor> {
        p::ProjectorReactor::<Self>::shared()
    }
}

#[tokio::test]
async fn a_cart_runs_through_workers() {
    let app = App::builder()
        .register::<Cart>()
        .register::<Listing>()
        .resource(Outbox(std::sync::Mutex::default()))
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
    for message in app.read_log(sourced::Position::START, 100).await.unwrap() {
        println!(
            "{} {} {:?}",
            message.seq, message.type_name, message.payload
        );
    }
}

#[tokio::test]
async fn a_missing_resource_is_named_when_the_app_is_built() {
    let error = App::builder().register::<Cart>().build().await.unwrap_err();
    assert!(error.to_string().contains("Outbox"), "{error}");
}
