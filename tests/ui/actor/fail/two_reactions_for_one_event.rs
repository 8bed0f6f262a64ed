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
    fn first(&self, event: &Opened) {
        _ = event;
    }

    #[reaction(Opened)]
    fn second(&self) {}
}

fn main() {}
