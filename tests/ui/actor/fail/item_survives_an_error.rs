use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn add_item(&mut self) {}

    #[command]
    pub fn open(&self) -> Opened {
        Opened
    }

    #[event]
    pub fn opened(&mut self) {}
}

/// The methods, the messages and the other handlers are there, so this gives no second error.
fn main() {
    let mut cart = Cart;
    cart.add_item();
    _ = AddItem;
    let durable = |cart: CartRef| async move { cart.open().await };
    _ = (cart.open(), durable);
}
