use sourced::prelude::*;

#[sync]
pub async fn save() {}

fn main() {}
