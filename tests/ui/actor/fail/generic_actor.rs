use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart<T>(T);

#[actor]
impl<T: Default> Cart<T> {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
