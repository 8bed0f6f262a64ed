use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command(name = "cart.open")]
    pub fn open(&self) {}
}

fn main() {}
