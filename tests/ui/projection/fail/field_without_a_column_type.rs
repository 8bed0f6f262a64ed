use sourced::prelude::*;

pub struct Colour(pub u8);

#[derive(Projection)]
pub struct Todo {
    #[key]
    id: u64,
    tags: Vec<String>,
    colour: Option<Colour>,
}

fn main() {}
