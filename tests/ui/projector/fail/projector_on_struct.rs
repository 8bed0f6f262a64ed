use sourced::prelude::*;

#[projector]
#[derive(Debug, Default)]
pub struct Listing;

fn main() {}
