impl Cart {
    #[command]
    fn open(&self) -> Opened {
        Opened
    }
    #[event(alias = "cart.was_opened")]
    fn opened(&mut self) {}
    #[event("shop.cart_closed")]
    fn closed(&mut self) {}
}
