impl Cart {
    /// Adds a product to an open cart.
    #[command]
    pub fn add_item(
        &self,
        product_id: String,
        #[serde(default = "one")] quantity: u32,
    ) -> Result<ItemAdded, CartError> {
        if self.n_items >= 10 {
            return Err(CartError::Full);
        }
        Ok(ItemAdded {
            product_id,
            quantity,
        })
    }

    /// A product was added.
    #[event]
    pub fn item_added(&mut self, _product_id: String, quantity: u32) {
        self.n_items += quantity;
    }

    #[reaction]
    fn tell_admin(&self, added: &ItemAdded) -> SendMail {
        let text = format!("{} is in the cart", added.product_id);
        SendMail { text }
    }

    #[command]
    async fn send_mail(&self, text: String, mailer: Res<Mailer>) -> Result<(), Failure> {
        mailer.send(text).await
    }
}
