impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}
