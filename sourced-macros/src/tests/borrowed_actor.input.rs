impl<'a> Cart<'a> {
    #[command]
    pub fn add_item(&self, product: String) -> ItemAdded {
        ItemAdded { product }
    }

    #[event]
    pub fn item_added(&mut self, _product: String) {}
}
