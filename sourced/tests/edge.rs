//! Commands from outside, from raw input to what is stored; and on whose behalf.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use serde_json::json;
use sourced::edge::{Denied, EdgeError, Gateway};
use sourced::prelude::*;
use sourced::registry::Violation;
use sourced::{DispatchError, Kind, Outcome, Registry, Selection, StoredMessage};

#[derive(Debug, Default)]
struct Cart {
    owner: Option<Principal>,
    n_items: u32,
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum CartError {
    #[error("this is somebody else's cart")]
    NotYours,
}

#[actor]
impl Cart {
    #[command]
    fn add_item(
        &self,
        product: String,
        quantity: u32,
        #[serde(default)] gift: bool,
        who: Principal,
    ) -> Result<ItemAdded, CartError> {
        if self.owner.as_ref().is_some_and(|owner| *owner != who) {
            return Err(CartError::NotYours);
        }
        Ok(ItemAdded {
            product: if gift {
                format!("{product} (gift)")
            } else {
                product
            },
            quantity,
            by: who,
        })
    }

    #[event]
    fn item_added(&mut self, _product: String, quantity: u32, by: Owner) {
        self.owner.get_or_insert(by);
        self.n_items += quantity;
    }

    #[reaction]
    fn thank(&self, _: &ItemAdded, who: Principal) -> Outgoing<SendMail> {
        let text = format!("thank you, {who:?}");
        let thanks = SendMail { text };
        match who {
            // Mails to nobody are the shop's own business.
            Principal::Anonymous => thanks.to("mails").by(Principal::System),
            _ => thanks.to("mails"),
        }
    }

    #[command]
    fn send_mail(&self, text: String) -> MailSent {
        MailSent { text }
    }

    #[event]
    fn mail_sent(&mut self, _text: String) {}

    #[command]
    fn clear(&self) {}
}

/// The name of the type tells what is asked for and what is a field.
type Owner = Principal;

async fn app() -> App {
    App::builder().register::<Cart>().build().await.unwrap()
}

fn exposed() -> Registry {
    Registry::new().command::<AddItem>().command::<Clear>()
}

async fn settled(app: &App) -> Vec<StoredMessage> {
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    app.log(Selection::all()).page(100).await.unwrap().messages
}

#[tokio::test]
async fn raw_json_becomes_a_command_that_is_decided() {
    let app = app().await;
    let gateway = app.gateway(exposed());
    let command = gateway
        .command("cart.add_item", r#"{"quantity": 2, "product": "tea"}"#)
        .to("cart-1")
        .by(Principal::user("u-7"))
        .with_metadata(Metadata::new().with("request_id", "r-1"))
        .accept()
        .await
        .unwrap();
    let receipt = app.dispatch(command).await.unwrap();
    let log = settled(&app).await;
    assert!(
        matches!(receipt.outcome().await.unwrap(), Outcome::Applied(events) if events.len() == 1)
    );
    assert_eq!(
        log[0].payload.as_str(),
        r#"{"product":"tea","quantity":2,"gift":false}"#
    );
    assert_eq!(log.len(), 4);
    for message in &log {
        assert_eq!(message.principal(), Principal::user("u-7"), "{message:?}");
        assert_eq!(message.metadata.get("request_id").unwrap(), "r-1");
    }
    assert_eq!(app.load::<Cart>("cart-1").await.unwrap().state().n_items, 2);
}

#[tokio::test]
async fn a_form_becomes_a_command() {
    let app = app().await;
    let fields = [("product", "7"), ("quantity", "12"), ("gift", "on")];
    let command = app
        .gateway(exposed())
        .form("cart.add_item", fields)
        .to("cart-1")
        .accept()
        .await
        .unwrap();
    app.dispatch(command).await.unwrap();
    let log = settled(&app).await;
    assert_eq!(
        log[0].payload.as_str(),
        r#"{"product":"7","quantity":12,"gift":true}"#
    );
    assert_eq!(log[0].principal(), Principal::Anonymous);
    assert_eq!(log[2].type_name.as_str(), "cart.send_mail");
    assert_eq!(
        log[2].principal(),
        Principal::System,
        "a handler may say otherwise"
    );
}

#[tokio::test]
async fn what_is_not_exposed_does_not_exist() {
    let gateway = Gateway::new(exposed());
    let error = gateway
        .command("cart.send_mail", json!({"text": "spam"}))
        .to("cart-1")
        .accept()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no command `cart.send_mail`; there are `cart.add_item`, `cart.clear`"
    );
    let error = gateway
        .command("cart.add_itme", "")
        .to("cart-1")
        .accept()
        .await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "there is no command `cart.add_itme`, did you mean `cart.add_item`?; there are `cart.add_item`, `cart.clear`"
    );
}

#[tokio::test]
async fn an_app_knows_the_commands_it_decides() {
    let commands = app().await.commands();
    let names: Vec<&str> = commands
        .iter()
        .map(|command| command.name().as_str())
        .collect();
    assert_eq!(names, ["cart.add_item", "cart.clear", "cart.send_mail"]);
}

#[tokio::test]
async fn an_envelope_cannot_be_smuggled_in() {
    let gateway = Gateway::new(exposed());
    for field in [
        "id",
        "seq",
        "causation_id",
        "created_at",
        "metadata",
        "principal",
        "stream_id",
        "sourced.principal",
    ] {
        let mut body = json!({"product": "tea", "quantity": 1});
        body[field] = json!("x");
        let error = gateway
            .command("cart.add_item", body)
            .to("cart-1")
            .accept()
            .await;
        let violations = error.unwrap_err().into_violations();
        assert_eq!(violations.len(), 1, "{field}");
        assert_eq!(violations[0].path, field);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let gateway = Gateway::new(exposed());
    let error = async |body: &str| {
        gateway
            .command("cart.add_item", body)
            .to("cart-1")
            .accept()
            .await
            .unwrap_err()
    };
    assert!(matches!(error("{").await, EdgeError::Json(_)));
    assert!(matches!(
        error(&("[".repeat(65) + &"]".repeat(65))).await,
        EdgeError::Json(_)
    ));
    assert_eq!(
        error(r#"{"quantity": -1, "prodct": "tea"}"#)
            .await
            .to_string(),
        "`cart.add_item` is not valid: `prodct` is not a field; did you mean `product`?; `product` is missing; \
         `quantity` is integer `-1`, and has to be u32"
    );
    let body = r#"{"product": "tea", "quantity": 1}"#;
    let no_stream = gateway.command("cart.add_item", body).accept().await;
    assert!(matches!(no_stream.unwrap_err(), EdgeError::NoStream(_)));
    let bad_stream = gateway.command("cart.add_item", body).to("").accept().await;
    assert!(matches!(bad_stream.unwrap_err(), EdgeError::Name(_)));
    let clear = gateway
        .command("cart.clear", "")
        .to("cart-1")
        .accept()
        .await;
    assert_eq!(clear.unwrap().type_name().as_str(), "cart.clear");
}

#[tokio::test]
async fn hooks_change_and_refuse_in_order() {
    let app = app().await;
    let gateway = app
        .gateway(exposed())
        .before(|draft| {
            draft.add_metadata(Metadata::new().with("channel", "web"));
            Ok(())
        })
        .before_each::<AddItem>(|command, draft| {
            if command.quantity > 100 {
                return Err(draft.invalid([Violation::rule("quantity", "must be 100 at most")]));
            }
            command.product.make_ascii_lowercase();
            Ok(())
        })
        .before_each::<Clear>(|_, _| Err(Denied::new("nobody clears carts").into()));
    let add = async |quantity: u32| {
        let body = json!({"product": "TEA", "quantity": quantity});
        gateway
            .command("cart.add_item", body)
            .to_new::<Cart>()
            .accept()
            .await
    };
    let error = add(101).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`cart.add_item` is not valid: `quantity` must be 100 at most"
    );
    let denied = gateway
        .command("cart.clear", "")
        .to("cart-1")
        .accept()
        .await;
    assert!(denied.unwrap_err().is_denied());

    app.dispatch(add(100).await.unwrap()).await.unwrap();
    let log = app.log(Selection::all()).page(10).await.unwrap().messages;
    assert_eq!(log[0].metadata.get("channel").unwrap(), "web");
    assert!(log[0].payload.as_str().contains(r#""tea""#));
    assert!(
        log[0].stream_id.as_str().starts_with("cart-"),
        "{}",
        log[0].stream_id
    );
}

#[tokio::test]
async fn guards_see_who_what_and_where_and_all_have_to_allow_it() {
    let gateway = Gateway::new(exposed())
        .authorize(|draft| match draft.principal() {
            Principal::Anonymous => Err(Denied::new("log in first")),
            _ => Ok(()),
        })
        .authorize(|draft| {
            let is_own = draft.principal().user_id() == draft.stream_id().map(StreamId::as_str);
            let adds = draft.command::<AddItem>().ok().flatten();
            if is_own || adds.is_some_and(|command| command.quantity == 1) {
                return Ok(());
            }
            Err(Denied::new("not your cart"))
        });
    let send = async |name: &str, body: &str, who| {
        gateway.command(name, body).to("u-7").by(who).accept().await
    };
    let one = r#"{"product": "tea", "quantity": 1}"#;
    let two = r#"{"product": "tea", "quantity": 2}"#;
    let reason = |result: Result<Outgoing, EdgeError>| result.unwrap_err().to_string();
    assert_eq!(
        reason(send("cart.add_item", one, Principal::Anonymous).await),
        "not allowed: log in first"
    );
    assert_eq!(
        reason(send("cart.add_item", two, Principal::user("u-8")).await),
        "not allowed: not your cart"
    );
    assert_eq!(
        reason(send("cart.clear", "", Principal::service("crm")).await),
        "not allowed: not your cart"
    );
    assert!(
        send("cart.add_item", one, Principal::user("u-8"))
            .await
            .is_ok()
    );
    assert!(
        send("cart.add_item", two, Principal::user("u-7"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_actor_may_decide_by_who_asks() {
    let app = app().await;
    let mine = app.by(Principal::user("u-7"));
    let cart = mine.actor::<Cart>("cart-1");
    cart.add_item("tea", 1, false).await.unwrap();
    let theirs = app.by(Principal::user("u-8")).actor::<Cart>("cart-1");
    let refusal = theirs.add_item("tea", 1, false).await.unwrap_err();
    assert_eq!(refusal.refusal(), Some(CartError::NotYours));
    let system = app.actor::<Cart>("cart-1").add_item("tea", 1, false).await;
    assert_eq!(system.unwrap_err().refusal(), Some(CartError::NotYours));

    let product = "milk".to_owned();
    let stored = AddItem {
        product,
        quantity: 1,
        gift: false,
    };
    let receipt = theirs_app(&app)
        .dispatch(stored.to("cart-1"))
        .await
        .unwrap();
    settled(&app).await;
    assert_eq!(
        receipt.outcome().await.unwrap(),
        Outcome::Refused("this is somebody else's cart".into())
    );
}

fn theirs_app(app: &App) -> App {
    app.by(Principal::user("u-8"))
}

#[tokio::test]
async fn what_a_program_does_without_saying_for_whom_is_the_systems() {
    let app = app().await;
    app.dispatch(Clear.to("cart-1")).await.unwrap();
    app.by(Principal::service("crm"))
        .dispatch(Clear.to("cart-1").by(Principal::user("u-1")))
        .await
        .unwrap();
    let log = app.log(Selection::all()).page(10).await.unwrap().messages;
    assert!(log[0].principal().is_system());
    assert_eq!(
        log[1].principal(),
        Principal::user("u-1"),
        "the nearer word counts"
    );
    assert!(log.iter().all(|message| message.kind == Kind::Command));
}

#[tokio::test]
async fn nobody_writes_names_that_belong_to_the_library() {
    let app = app().await;
    let forged = Metadata::new().with("sourced.principal", "system");
    let error = app
        .dispatch(Clear.to("cart-1").with_metadata(forged.clone()))
        .await;
    assert!(matches!(error.unwrap_err(), DispatchError::Metadata(_)));
    let error = app
        .with_metadata(forged.clone())
        .dispatch(Clear.to("cart-1"))
        .await;
    assert!(matches!(error.unwrap_err(), DispatchError::Metadata(_)));
    let error = app
        .with_metadata(forged.clone())
        .actor::<Cart>("cart-1")
        .clear()
        .await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("`sourced.principal`")
    );
    let gateway = app.gateway(exposed());
    let error = gateway
        .command("cart.clear", "")
        .to("c")
        .with_metadata(forged.clone())
        .accept()
        .await;
    assert!(matches!(error.unwrap_err(), EdgeError::Metadata(_)));
    assert!(
        app.log(Selection::all())
            .page(10)
            .await
            .unwrap()
            .messages
            .is_empty()
    );

    let handed_on = forged.with("request_id", 1).without_reserved();
    app.dispatch(Clear.to("cart-1").with_metadata(handed_on))
        .await
        .unwrap();
}

#[test]
fn a_principal_that_cannot_be_read_is_not_the_system() {
    let unknown = Metadata::new().with("sourced.principal", json!({"robot": 7}));
    assert_eq!(unknown.principal(), Principal::Anonymous);
}
