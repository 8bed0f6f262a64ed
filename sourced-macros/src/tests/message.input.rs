#[derive(Debug)]
pub struct ItemAdded {
    pub price: u64,
}
