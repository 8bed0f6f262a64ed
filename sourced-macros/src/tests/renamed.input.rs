/// A product was added.
pub struct ItemAdded {
    pub product: String,
    pub quantity: u32,
}
