use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command(crate = sourced)]
    pub fn add_item(&self) {}
}

fn main() {}
