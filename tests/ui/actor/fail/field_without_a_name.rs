use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn open(&self, (low, high): (u32, u32)) {
        _ = (low, high);
    }
}

fn main() {}
