impl Cart {
    #[state]
    fn new() -> Self {
        Self { total: 0 }
    }

    #[command]
    pub fn add(&self, price: u64) -> Added {
        Added { price }
    }

    #[command]
    pub fn count(&self, history: &History) -> Counted {
        Counted { n: history.len() }
    }

    #[event]
    pub fn added(&mut self, price: u64) {
        self.total += price;
    }

    #[event]
    pub fn counted(&mut self, _n: usize) {}

    #[reaction]
    fn look_back(&self, _: &Added, history: &History) -> Option<Count> {
        (history.len() == 3).then_some(Count)
    }
}
