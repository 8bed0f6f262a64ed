use sourced::prelude::*;

#[event]
pub struct Öffnung;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn öffnen(&self) {}
}

fn main() {}
