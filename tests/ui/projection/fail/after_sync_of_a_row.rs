use sourced::prelude::*;

#[event("todo.added")]
pub struct Added {
    pub id: u64,
}

#[command("todo.tidy")]
pub struct Tidy;

#[derive(Debug, Projection)]
pub struct Todo {
    #[key]
    id: u64,
}

#[projector]
impl Todo {
    #[event]
    fn added(_event: &Added) -> Self {
        Self { id: event.id }
    }

    #[after_sync]
    async fn of_the_event(&self, _event: &Added) {}

    #[after_sync]
    async fn of_the_stream(&self, _id: &StreamId) {}

    #[after_sync]
    async fn of_somebody(&self, _by: Principal) {}

    #[after_sync]
    async fn in_the_transaction(&self, _tx: &mut Tx<'_>) {}

    #[after_sync]
    async fn of_all(_rows: &[Self]) {}

    #[after_sync]
    async fn changing(&mut self) {}

    #[after_sync]
    async fn commanding(&self) -> Tidy {
        Tidy
    }
}

fn main() {}
