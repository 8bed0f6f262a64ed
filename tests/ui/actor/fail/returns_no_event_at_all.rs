use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn count(&self) -> u32 {
        self.n_items
    }
}

fn main() {}
