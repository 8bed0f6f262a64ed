use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor(nam = "cart")]
impl Cart {
    #[command]
    pub fn add_item(&mut self, product_id: &str) {
        _ = product_id;
    }

    #[event]
    pub async fn item_added(&mut self) {}
}

fn main() {}
