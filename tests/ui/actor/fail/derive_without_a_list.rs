use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor(derive = Eq)]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
