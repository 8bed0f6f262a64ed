//! An error of the system is no answer of the domain.

use sourced::{CommandError, Rejected};
use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[derive(Debug, thiserror::Error)]
#[error("the cart is closed")]
pub struct Closed;

#[actor]
impl Cart {
    #[command]
    pub fn read(&self) -> Result<Opened, std::io::Error> {
        Err(std::io::ErrorKind::TimedOut.into())
    }

    #[command]
    pub fn ask(&self) -> Result<Opened, Rejected<CommandError<Closed>>> {
        Ok(Opened)
    }

    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
