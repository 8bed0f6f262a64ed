//! A command says no once.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self) -> Result<Result<Opened, std::fmt::Error>, Failure> {
        Ok(Ok(Opened))
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
