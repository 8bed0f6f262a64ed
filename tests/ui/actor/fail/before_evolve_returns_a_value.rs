//! What comes before every event cannot refuse it.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[before_evolve]
    fn count(&mut self, _: &StoredMessage) -> Result<(), Failure> {
        Ok(())
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
