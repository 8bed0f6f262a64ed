impl Cart {
    #[command()]
    pub fn open(&self) {}

    #[reaction(,)]
    fn broken(&self) {}
}
