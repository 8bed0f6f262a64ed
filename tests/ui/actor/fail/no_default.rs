use sourced::prelude::*;

pub struct Cart;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
