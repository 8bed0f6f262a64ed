//! Nobody can tell whether a boxed error is a refusal.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn open(&self) -> Result<Opened, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Opened)
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
