use sourced::prelude::*;

#[after_sync]
pub async fn tell() {}

fn main() {}
