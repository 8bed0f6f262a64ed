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

#[event("todo.renamed")]
pub struct Renamed {
    pub id: u64,
}

#[projector]
impl Todo {
    #[event]
    fn added(event: &Added) -> Self {
        Self { id: event.id, title: event.title.clone() }
    }

    #[event]
    fn renamed(&self, _: &Renamed) {}
}

fn main() {}
