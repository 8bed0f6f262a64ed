use sourced::prelude::*;

#[command("cart.put")]
pub struct Put {
    pub product: String,
}

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command("cart.add", alias = "cart.insert")]
    pub fn put(&self, command: &Put) {}
}

fn main() {}
