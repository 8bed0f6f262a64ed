use sourced::prelude::*;

#[event("todo.added")]
pub struct Added {
    pub id: u64,
    pub title: String,
}

#[derive(Projection)]
pub struct Todo {
    #[key]
    id: u64,
    title: String,
}

#[projector]
impl Todo {
    #[event(key = "id")]
    fn added(event: &Added) -> Self {
        Self { id: event.id, title: event.title.clone() }
    }
}

fn main() {}
