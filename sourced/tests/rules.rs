//! Rules of garde and schemas of schemars, on structs and on the parameters of handlers.

#![cfg(all(feature = "garde", feature = "schema"))]
#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use garde::Validate;
use schemars::JsonSchema;
use serde_json::json;
use sourced::edge::Gateway;
use sourced::prelude::*;
use sourced::{DispatchError, MessageType as _, Registry, Selection};

#[derive(Debug, Default)]
struct Cart;

#[command("cart.rename")]
#[derive(Validate, JsonSchema)]
struct Rename {
    #[garde(length(min = 1, max = 20))]
    name: String,
    #[garde(inner(length(max = 3)))]
    tags: Vec<String>,
}

#[actor(derive(JsonSchema))]
impl Cart {
    #[command]
    fn add_item(
        &self,
        #[garde(length(min = 1))] product: String,
        #[garde(range(max = 100))] quantity: u32,
        note: Option<String>,
    ) -> ItemAdded {
        drop(note);
        ItemAdded { product, quantity }
    }

    #[event]
    fn item_added(&mut self, _product: String, _quantity: u32) {}

    #[command]
    fn rename(&self, command: &Rename) {
        assert!(!command.name.is_empty(), "rules are checked before");
    }
}

#[tokio::test]
async fn the_edge_says_all_rules_that_are_broken() {
    let gateway = Gateway::new(Registry::new().command::<AddItem>().command::<Rename>());
    let said = async |name: &str, body| {
        let error = gateway.command(name, body).to("cart-1").accept().await;
        let violations = error.unwrap_err().into_violations();
        violations
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said("cart.add_item", json!({"product": "", "quantity": 101})).await,
        [
            "`product` length is lower than 1",
            "`quantity` greater than 100"
        ]
    );
    assert_eq!(
        said("cart.rename", json!({"name": "", "tags": ["new", "four"]})).await,
        [
            "`name` length is lower than 1",
            "`tags[1]` length is greater than 3"
        ]
    );
}

#[tokio::test]
async fn nothing_that_breaks_a_rule_is_dispatched_or_decided() {
    let app = App::builder().register::<Cart>().build().await.unwrap();
    let rename = || Rename {
        name: String::new(),
        tags: Vec::new(),
    };
    let error = app.dispatch(rename().to("cart-1")).await.unwrap_err();
    assert!(
        matches!(&error, DispatchError::Rules(rules) if rules.0[0].path == "name"),
        "{error}"
    );
    let cart = app.actor::<Cart>("cart-1");
    let error = cart.rename(rename()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "rules are broken: `name`: length is lower than 1"
    );
    assert!(cart.add_item("tea", 101, None).await.is_err());
    assert!(
        app.log(Selection::all())
            .page(10)
            .await
            .unwrap()
            .messages
            .is_empty()
    );
    cart.add_item("tea", 100, None).await.unwrap();
}

#[test]
fn messages_tell_their_schemas() {
    let schema = AddItem::schema().unwrap();
    assert_eq!(schema["required"], json!(["product", "quantity"]));
    assert_eq!(schema["properties"]["product"]["type"], "string");
    assert!(ItemAdded::schema().is_some());
    let registry = Registry::new().command::<Rename>();
    let schema = registry.get("cart.rename").unwrap().schema().unwrap();
    assert_eq!(schema["properties"]["tags"]["type"], "array");
}

#[tokio::test]
async fn the_nodes_of_messages_have_their_schemas() {
    let app = App::builder().register::<Cart>().build().await.unwrap();
    let node = |id: &str| {
        app.topology()
            .nodes
            .iter()
            .find(|node| node.id == id)
            .unwrap()
    };
    assert_eq!(node("cart.add_item").schema, AddItem::schema());
    assert_eq!(node("cart.item_added").schema, ItemAdded::schema());
    assert!(app.topology().to_json().contains(r#""minLength": 1"#));
}
