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

    #[reaction]
    fn greet(&mut self, _: &Opened) {
        self.n_items += 1;
    }
}

fn main() {}
