impl Cart {
    #[command]
    pub fn add_item(&self, product_id: String) -> Opened

    #[event]
    pub fn opened(&mut self) {}
}
