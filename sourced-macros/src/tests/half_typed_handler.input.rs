impl Cart {
    #[event]
    pub fn opened(&mut self) {}

    #[command]
    pub fn add_item(&self, product_id:
    ) {
        self.
    }

    #[command]
    pub
}
