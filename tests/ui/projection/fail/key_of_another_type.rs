use sourced::prelude::*;

#[event("todo.added")]
pub struct Added {
    pub id: u64,
    pub title: String,
}

#[derive(Projection)]
pub struct Todo {
    #[key]
    id: String,
    title: String,
}

#[projector]
impl Todo {
    #[event]
    fn added(event: &Message<Added>) -> Self {
        Self { id: event.payload.id.to_string(), title: event.payload.title.clone() }
    }
}

fn main() {}
