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

    #[comand]
    pub fn open(&self) -> Opened {
        Opened
    }
}

fn main() {}
