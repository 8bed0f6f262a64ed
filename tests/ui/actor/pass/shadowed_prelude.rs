//! Names of the prelude may mean something else where the macros are used.
#![deny(warnings)]
#![allow(dead_code)]

pub struct Option;
pub struct Result;
pub struct Vec;
pub struct Box;
pub struct Some;
pub struct None;
pub struct Ok;
pub struct Err;
pub struct Into;
pub struct From;
pub struct Default;
pub struct Clone;
pub struct Debug;
pub struct PartialEq;
pub struct Send;
pub struct Sync;
pub struct Sized;
pub struct Future;
pub struct Serialize;
pub struct Deserialize;
pub struct Failure;
pub struct Context;
pub struct Message;
pub struct StreamId;
pub struct Command;
pub struct Event;
pub struct Actor;
pub mod core {}
pub mod std {}
pub mod serde {}

#[derive(::core::default::Default)]
pub struct Cart {
    names: ::std::vec::Vec<::std::string::String>,
}

#[sourced::actor]
impl Cart {
    #[command]
    pub fn add_item(&self, name: ::std::string::String) -> ItemAdded {
        ItemAdded { name }
    }

    #[sourced::event]
    pub fn item_added(&mut self, name: ::std::string::String) {
        self.names.push(name);
    }

    #[reaction]
    fn again(&self, added: &ItemAdded) -> ::core::option::Option<AddItem> {
        let name = ::core::clone::Clone::clone(&added.name);
        (self.names.len() < 2).then_some(AddItem { name })
    }
}

#[derive(::core::default::Default)]
pub struct Listing;

#[sourced::projector]
impl Listing {
    #[event]
    fn added(&mut self, _: &ItemAdded) {}

    #[sync]
    async fn save(
        &self,
        _: &mut sourced::Tx<'_>,
    ) -> ::core::result::Result<(), sourced::Failure> {
        ::core::result::Result::Ok(())
    }
}

#[sourced::command("cart.close")]
pub struct Close;

fn main() {}
