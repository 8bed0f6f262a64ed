use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor("shop/cart")]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
