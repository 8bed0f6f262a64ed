use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self) {}

    #[reaction]
    fn greet(&self, open: &Open) {
        _ = open;
    }
}

fn main() {}
