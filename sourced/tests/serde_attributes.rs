//! serde's attributes on the parameters of handlers and on the fields of messages: all mean what they mean elsewhere.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sourced::Payload;
use sourced::prelude::*;
use sourced::registry::CommandType;

#[derive(Debug, Default)]
struct Parcel {
    n_sent: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Size {
    width: u32,
    height: u32,
}

/// Cents, written as text.
mod cents {
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(cents: &u64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&format!("{}.{:02}", cents / 100, cents % 100))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
        let text = String::deserialize(input)?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.parse().map_err(serde::de::Error::custom)
    }
}

fn one() -> u32 {
    1
}

#[actor]
impl Parcel {
    #[command]
    fn post(
        &self,
        #[serde(rename = "to", alias = "receiver")] address: String,
        #[serde(default = "one")] quantity: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")] note: Option<String>,
        #[serde(with = "cents")] price: u64,
        #[serde(flatten)] size: Size,
        #[serde(skip)] cache: u8,
    ) -> Sent {
        assert_eq!(cache, 0);
        let text = note.unwrap_or_default();
        let area = size.width * size.height;
        Sent {
            label: BTreeMap::from([(address, text)]),
            quantity,
            price,
            area,
        }
    }

    #[event]
    fn sent(
        &mut self,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")] _label: BTreeMap<
            String,
            String,
        >,
        quantity: u32,
        #[serde(default)] _price: u64,
        #[serde(rename = "size")] _area: u32,
    ) {
        self.n_sent += quantity;
    }
}

#[test]
fn attributes_of_parameters_shape_what_is_stored() {
    let post = Post {
        address: "Long Lane 7".into(),
        quantity: 2,
        note: None,
        price: 1205,
        size: Size {
            width: 3,
            height: 4,
        },
        cache: 9,
    };
    let stored = Payload::encode(&post).unwrap();
    assert_eq!(
        stored.as_str(),
        r#"{"to":"Long Lane 7","quantity":2,"price":"12.05","width":3,"height":4}"#
    );
    let read: Post = stored.decode().unwrap();
    assert_eq!(read, Post { cache: 0, ..post });
}

#[test]
fn attributes_of_parameters_shape_what_is_read() {
    let old = r#"{"receiver":"here","price":"0.50","width":1,"height":1,"gone":true}"#;
    let read: Post = Payload::parse(old).unwrap().decode().unwrap();
    assert_eq!(
        (read.address.as_str(), read.quantity, read.price),
        ("here", 1, 50)
    );
    let sent: Sent = Payload::parse(r#"{"quantity":1,"size":2}"#)
        .unwrap()
        .decode()
        .unwrap();
    assert_eq!((sent.label.len(), sent.price, sent.area), (0, 0, 2));
}

#[tokio::test]
async fn a_handler_gets_what_was_stored() {
    let app = App::builder().register::<Parcel>().build().await.unwrap();
    let size = Size {
        width: 3,
        height: 4,
    };
    let parcel = app.actor::<Parcel>("parcel-1");
    let sent = parcel.post("here", 2, None, 100, size, 0).await.unwrap();
    assert_eq!(sent.area, 12);
    assert_eq!(parcel.load().await.unwrap().state().n_sent, 2);
}

#[test]
fn with_a_flattened_field_unknown_ones_cannot_be_told_but_all_else_can() {
    let read = |value| CommandType::of::<Post>().read(&value);
    let body = json!({"to": "here", "price": "1.00", "width": 1, "height": 1, "gone": true});
    let payload = read(body).unwrap();
    assert!(
        !payload.as_str().contains("gone"),
        "it is not stored either"
    );
    let violations = read(json!({"price": 1, "width": 1, "height": 1})).unwrap_err();
    let said: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "`price` is the number 1, and has to be a string",
            "`to` is missing"
        ]
    );
}
