/// The columns of [`OutstandingTodo`], for queries.
#[allow(dead_code)]
#[derive(Debug)]
pub struct OutstandingTodoColumns {
    /// The column `todo_id`.
    todo_id: ::sourced::__private::Column<OutstandingTodo, Uuid>,
    /// The column `title`.
    title: ::sourced::__private::Column<OutstandingTodo, String>,
    /// The column `due`.
    pub due: ::sourced::__private::Column<OutstandingTodo, Option<Timestamp>>,
}
#[automatically_derived]
impl ::sourced::__private::Row for OutstandingTodo {
    type Key = Uuid;
    type Columns = OutstandingTodoColumns;
    const TABLE: &'static str = "outstanding_todo";
    const COLUMNS: Self::Columns = OutstandingTodoColumns {
        todo_id: ::sourced::__private::Column::new(0),
        title: ::sourced::__private::Column::new(1),
        due: ::sourced::__private::Column::new(2),
    };
    fn describe(columns: &mut ::sourced::__private::Describe) {
        columns.key::<Uuid>("todo_id", ::sourced::__private::kept::<Uuid>());
        columns.column("title", ::sourced::__private::kept::<String>());
        columns
            .index::<
                Option<Timestamp>,
            >("due", ::sourced::__private::kept::<Option<Timestamp>>());
        columns.json::<Vec<String>>("labels");
    }
    fn key(&self) -> Self::Key {
        ::core::clone::Clone::clone(&self.todo_id)
    }
    fn key_values(
        key: &Self::Key,
        to: &mut ::sourced::__private::ToRow,
    ) -> ::core::result::Result<(), ::sourced::__private::ColumnError> {
        to.put(::sourced::__private::kept::<Uuid>(), key)?;
        ::core::result::Result::Ok(())
    }
    fn write(
        &self,
        to: &mut ::sourced::__private::ToRow,
    ) -> ::core::result::Result<(), ::sourced::__private::ColumnError> {
        to.put(::sourced::__private::kept::<Uuid>(), &self.todo_id)?;
        to.put(::sourced::__private::kept::<String>(), &self.title)?;
        to.put(::sourced::__private::kept::<Option<Timestamp>>(), &self.due)?;
        to.json(&self.tags)?;
        ::core::result::Result::Ok(())
    }
    fn read(
        from: &mut ::sourced::__private::FromRow,
    ) -> ::core::result::Result<Self, ::sourced::__private::ColumnError> {
        ::core::result::Result::Ok(Self {
            todo_id: from.take(::sourced::__private::kept::<Uuid>())?,
            title: from.take(::sourced::__private::kept::<String>())?,
            due: from.take(::sourced::__private::kept::<Option<Timestamp>>())?,
            tags: from.json()?,
        })
    }
}
#[doc(hidden)]
#[allow(unused_macros)]
macro_rules! __sourced_key_of_OutstandingTodo {
    ($($event:tt)*) => {
        ::sourced::__private::key! { (todo_id) $($event)* }
    };
}
#[doc(hidden)]
#[allow(unused_imports)]
pub(crate) use __sourced_key_of_OutstandingTodo as OutstandingTodo;
