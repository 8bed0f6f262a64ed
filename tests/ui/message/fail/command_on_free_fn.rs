use sourced::prelude::*;

#[command]
pub fn add_item(product_id: String) {
    drop(product_id);
}

fn main() {
    add_item("p1".to_owned());
}
