use sourced::prelude::*;

#[derive(Default)]
pub struct Todo;

#[actor]
impl Todo {
    #[event]
    fn added(&mut self, row: Option<Self>) {
        _ = row;
    }
}

fn main() {}
