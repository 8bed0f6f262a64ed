//! The type of a field is stored, compared and shown as the message is.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

pub struct Money(u32);

#[actor]
impl Cart {
    #[command]
    pub fn pay(&self, amount: Money) {
        drop(amount);
    }
}

fn main() {}
