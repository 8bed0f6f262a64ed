use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}

    #[reaction]
    fn greet(&self, _: &Opened) -> Option<Opened> {
        Some(Opened)
    }
}

fn main() {}
