use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor(group = "carts")]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
