//! Both define `Cancel`: they belong into modules of their own.

use sourced::prelude::*;

#[derive(Debug, Default)]
pub struct Cart;

#[actor]
impl Cart {
    #[command]
    pub fn cancel(&self) {}
}

#[derive(Debug, Default)]
pub struct Order;

#[actor]
impl Order {
    #[command]
    pub fn cancel(&self) {}
}

fn main() {}
