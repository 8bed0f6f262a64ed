//! The library may be found under another path.
#![deny(warnings)]

extern crate sourced as library;

mod my {
    pub mod path {
        pub use ::library::*;
    }
}

use my::path::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor("shop.cart", crate = crate::my::path)]
impl Cart {
    #[command]
    pub fn open(&self, name: String) -> Opened {
        Opened { name }
    }

    #[event]
    pub fn opened(&mut self, name: String) {
        drop(name);
    }
}

#[derive(Debug, Default)]
pub struct Listing;

#[projector("shop.listing", crate = crate::my::path)]
impl Listing {
    #[event]
    fn opened(&mut self, _: &Opened) {}
}

#[event("cart.closed", crate = crate::my::path)]
pub struct Closed {
    pub reason: String,
}

fn main() {
    assert_eq!(<Open as my::path::MessageType>::NAME, "shop.cart.open");
    assert_eq!(<Listing as my::path::Projector>::NAME, "shop.listing");
    assert_eq!(<Closed as my::path::MessageType>::NAME, "cart.closed");
}
