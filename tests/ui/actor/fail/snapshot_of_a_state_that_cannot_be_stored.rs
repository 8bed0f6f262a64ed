use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart {
    n_items: u32,
}

#[actor(snapshot_every = 100)]
impl Cart {
    #[event]
    pub fn added(&mut self) {
        self.n_items += 1;
    }
}

fn main() {}
