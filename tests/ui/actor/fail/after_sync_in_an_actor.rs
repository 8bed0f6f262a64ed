use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[event]
    fn opened(&mut self) {}

    #[after_sync]
    async fn tell(&self) {}
}

fn main() {}
