use sourced::prelude::*;

#[event("todo.added")]
pub struct Added {
    pub id: u64,
}

#[derive(Debug, Projection)]
pub struct Todo {
    #[key]
    id: u64,
}

#[projector(stored)]
impl Todo {
    #[event]
    fn added(event: &Added) -> Self {
        Self { id: event.id }
    }

    #[after_sync]
    async fn tell(&self) {}
}

fn main() {}
