use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self) {
        self.n_items = 0;
    }

    #[event]
    pub fn closed(&mut self) {}

    #[reaction]
    fn greet(&self, opened: &Opened, closed: &Closed) {
        _ = (opened, closed);
    }
}

fn main() {}
