impl OutstandingTodo {
    #[event]
    fn added(event: &Message<TodoAdded>) -> Self {
        Self::new(event)
    }

    #[event]
    fn amended(&mut self, event: &TodoAmended) {
        self.title = event.title.clone();
    }

    #[event(key = Self::of_stream)]
    fn completed(self, _: &todo::Completed) -> Delete {
        Delete
    }

    #[event(key = id)]
    fn counted(row: Option<Self>, event: &Counted) -> Self {
        row.unwrap_or_default()
    }

    #[after_sync]
    async fn announce(&self, browsers: Res<Browsers>) -> Result<(), Failure> {
        browsers.tell(&self.title).await
    }

    #[after_sync]
    fn forget(&self, change: RowChange, replaying: Replaying) {
        cache::forget(self.todo_id);
    }
}
