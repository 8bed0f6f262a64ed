use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[event]
    pub async fn item_added(&mut self) {
        self.n_items += 1;
    }
}

fn main() {}
