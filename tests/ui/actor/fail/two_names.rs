use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor("cart", "shop.cart")]
impl Cart {
    #[event]
    pub fn opened(&mut self) {
        self.n_items = 0;
    }
}

fn main() {}
