impl OutstandingTodo {
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn added(event: &Message<TodoAdded>) -> Self {
        Self::new(event)
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn amended(&mut self, event: &TodoAmended) {
        self.title = event.title.clone();
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn completed(self, _: &todo::Completed) -> Delete {
        Delete
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn counted(row: Option<Self>, event: &Counted) -> Self {
        row.unwrap_or_default()
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    async fn announce(&self, browsers: Res<Browsers>) -> Result<(), Failure> {
        browsers.tell(&self.title).await
    }
    #[allow(clippy::unused_self, clippy::needless_pass_by_value)]
    fn forget(&self, change: RowChange, replaying: Replaying) {
        cache::forget(self.todo_id);
    }
}
#[automatically_derived]
impl ::sourced::__private::TableProjector for OutstandingTodo {
    const NAME: &'static str = "outstanding_todo";
    fn handlers(handlers: &mut ::sourced::__private::TableHandlers<Self>) {
        handlers.event::<TodoAdded>();
        handlers.event::<TodoAmended>();
        handlers.event::<todo::Completed>();
        handlers.event::<Counted>();
        handlers.needs::<Res<Browsers>>();
        handlers.needs::<Replaying>();
        handlers.after_sync();
    }
}
#[automatically_derived]
impl ::sourced::__private::Register for OutstandingTodo {
    fn reactor() -> ::sourced::__private::Arc<dyn ::sourced::__private::Reactor> {
        ::sourced::__private::TableReactor::<Self>::shared()
    }
}
#[automatically_derived]
impl ::sourced::__private::Projects<TodoAdded> for OutstandingTodo {
    fn key_of(
        message: &::sourced::__private::Message<TodoAdded>,
    ) -> <Self as ::sourced::__private::Row>::Key {
        OutstandingTodo! {
            (message.payload) TodoAdded
        }
    }
    fn project(
        row: ::sourced::__private::Option<Self>,
        message: &::sourced::__private::Message<TodoAdded>,
    ) -> ::core::result::Result<
        ::sourced::__private::Option<Self>,
        ::sourced::__private::Misfit,
    > {
        ::sourced::__private::created(row, || Self::added(&message))
    }
}
#[automatically_derived]
impl ::sourced::__private::Projects<TodoAmended> for OutstandingTodo {
    fn key_of(
        message: &::sourced::__private::Message<TodoAmended>,
    ) -> <Self as ::sourced::__private::Row>::Key {
        OutstandingTodo! {
            (message.payload) TodoAmended
        }
    }
    fn project(
        row: ::sourced::__private::Option<Self>,
        message: &::sourced::__private::Message<TodoAmended>,
    ) -> ::core::result::Result<
        ::sourced::__private::Option<Self>,
        ::sourced::__private::Misfit,
    > {
        ::sourced::__private::changed(row, |row| Self::amended(row, &message.payload))
    }
}
#[automatically_derived]
impl ::sourced::__private::Projects<todo::Completed> for OutstandingTodo {
    fn key_of(
        message: &::sourced::__private::Message<todo::Completed>,
    ) -> <Self as ::sourced::__private::Row>::Key {
        Self::of_stream(message)
    }
    fn project(
        row: ::sourced::__private::Option<Self>,
        message: &::sourced::__private::Message<todo::Completed>,
    ) -> ::core::result::Result<
        ::sourced::__private::Option<Self>,
        ::sourced::__private::Misfit,
    > {
        ::sourced::__private::ended(row, |row| Self::completed(row, &message.payload))
    }
}
#[automatically_derived]
impl ::sourced::__private::Projects<Counted> for OutstandingTodo {
    fn key_of(
        message: &::sourced::__private::Message<Counted>,
    ) -> <Self as ::sourced::__private::Row>::Key {
        ::core::clone::Clone::clone(&message.payload.id)
    }
    fn project(
        row: ::sourced::__private::Option<Self>,
        message: &::sourced::__private::Message<Counted>,
    ) -> ::core::result::Result<
        ::sourced::__private::Option<Self>,
        ::sourced::__private::Misfit,
    > {
        ::sourced::__private::either(row, |row| Self::counted(row, &message.payload))
    }
}
#[automatically_derived]
impl ::sourced::__private::AfterRow for OutstandingTodo {
    async fn after_sync(
        &self,
        change: ::sourced::__private::RowChange,
        cx: &::sourced::__private::Context,
    ) -> ::core::result::Result<(), ::sourced::__private::Failure> {
        if !cx.is_replaying() && !change.is_deleted() {
            Self::announce(self, cx.get()?).await?;
        }
        {
            Self::forget(self, change, cx.get()?);
        }
        ::core::result::Result::Ok(())
    }
}
