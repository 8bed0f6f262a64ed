//! What is generated for a handler exists where the handler does.
#![deny(warnings)]
#![allow(unexpected_cfgs)]

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[cfg(feature = "mail")]
    #[command]
    pub fn post(&self, mailer: Res<NoSuchType>) -> NoSuchEvent {}

    #[cfg(feature = "mail")]
    #[event]
    pub fn sent(&mut self, to: NoSuchType) {}

    #[cfg(not(feature = "mail"))]
    #[event]
    pub fn sent(&mut self) {}

    #[command]
    pub fn open(
        &self,
        #[cfg(feature = "mail")] to: NoSuchType,
        #[cfg(not(feature = "mail"))] name: String,
    ) {
        drop(name);
    }

    #[cfg(feature = "mail")]
    #[reaction]
    fn every(&self) -> NoSuchCommand {}
}

fn main() {
    _ = (Sent, Open { name: "cart".to_owned() });
}
