//! The enum of the events may be named otherwise.

use sourced::prelude::*;

pub enum CartEvent {}

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[event]
    pub fn opened(&mut self) {}
}

fn main() {}
