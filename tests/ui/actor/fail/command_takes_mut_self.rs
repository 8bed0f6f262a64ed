use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[command]
    pub fn add_item(&mut self, product_id: String) {
        self.n_items += product_id.len() as u32;
    }
}

fn main() {}
