use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}

    #[reaction]
    fn greet(&self, opened: &Opened) -> u32 {
        _ = opened;
        self.n_items
    }
}

fn main() {}
