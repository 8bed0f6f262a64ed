use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self, by: Principal) {
        drop(by);
    }
}

fn main() {}
