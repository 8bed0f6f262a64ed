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

    #[command]
    pub fn pack(&self) {}

    #[reaction]
    fn greet(&self, _: &Opened) -> impl Iterator<Item = Pack> {
        std::iter::once(Pack)
    }
}

fn main() {}
