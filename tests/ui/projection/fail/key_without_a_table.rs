use sourced::prelude::*;

#[event("todo.added")]
pub struct Added {
    pub id: u64,
    pub title: String,
}

#[derive(Default)]
pub struct Todo;

#[projector]
impl Todo {
    #[event(key = id)]
    fn added(&mut self, event: &Added) {
        _ = event;
    }
}

fn main() {}
