//! A replay does not wait.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[before_evolve]
    async fn count(&mut self, _: &StoredMessage) {}

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
