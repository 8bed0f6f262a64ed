use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[event]
    pub const MAX: u32 = 10;
}

fn main() {}
