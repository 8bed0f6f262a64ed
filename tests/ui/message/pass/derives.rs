//! Derives that are there already are not added again.
#![deny(warnings)]

use sourced::prelude::*;

#[command("cart.add_item")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddItem {
    pub product: u32,
    #[serde(default)]
    pub quantity: u32,
}

#[event]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HTTPRequestSeen(pub u32);

fn main() {
    let add = AddItem { product: 1, quantity: 1 };
    assert_eq!(add, add.clone());
    assert_eq!(<HTTPRequestSeen as sourced::MessageType>::NAME, "http_request_seen");
    assert_eq!(<AddItem as sourced::MessageType>::KIND, sourced::Kind::Command);
}
