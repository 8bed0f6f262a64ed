impl Cart {
    #[state]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned() }
    }

    #[command]
    pub fn add_item(&mut self, product: &str, labels: &[Self], price: std::rc::Rc<u32>) -> ItemAdded {
        self.add(product, labels, price)
    }

    #[command]
    pub fn remove<T: Into<String>>(&self, product: T) -> impl Into<ItemRemoved> {
        ItemRemoved { product: product.into() }
    }

    #[command]
    pub fn clear(&self, command: Message<Clear>) -> Result<(), Full> {
        Ok(())
    }

    #[command]
    pub async fn send_mail(&self, text: String, mailer: Mailer) -> Result<(), Failure> {
        mailer.send(text).await
    }

    #[event]
    pub async fn item_added(&mut self, _product: String) {
        self.n_items += 1;
    }

    #[event]
    pub fn item_removed(&mut self, _: &mut ItemRemoved) {
        println!("{}", SystemTime::now());
    }

    #[reaction]
    fn tell(&mut self, added: ItemAdded) {}
}
