use sourced::prelude::*;

pub struct Cart;

impl Cart {
    #[command]
    pub fn add_item(&self) {}

    #[reaction]
    pub fn greet(&self) {}
}

fn main() {}
