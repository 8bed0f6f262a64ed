use sourced::prelude::*;

#[event("todo.added")]
pub struct Added {
    pub id: u64,
    pub title: String,
}

pub struct Todo {
    id: u64,
    title: String,
}

#[projector]
impl Todo {
    #[event]
    fn added(event: &Added) -> Self {
        Self { id: event.id, title: event.title.clone() }
    }
}

fn main() {}
