use sourced::prelude::*;

#[event("cart.item_added")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemAdded {
    pub product: String,
}

fn main() {}
