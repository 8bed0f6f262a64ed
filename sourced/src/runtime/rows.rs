//! Queries of read models that are tables.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::progress::progress;
use super::{App, NotLive};
use crate::backend::{Backend, BackendError, RowQuery, Table, Test};
use crate::failure::Failure;
use crate::stream::GroupId;
use crate::table::{
    ColumnError, Condition, Order, Row, key_values_of, row_of, table_of, values_of,
};

/// A query of the rows of a table projection. Made by [`App::rows`].
#[must_use = "a query asks nothing until `get` or `all` is called"]
pub struct RowsOf<R> {
    backend: Arc<dyn Backend>,
    table: Table,
    /// The version of this program, and its group.
    version: Option<(u32, GroupId)>,
    query: RowQuery,
    wrong: Option<ColumnError>,
    of: PhantomData<fn() -> R>,
}

impl App {
    /// Asks for rows of a table projection: one by its key, or those that meet some conditions, in pages.
    ///
    /// Rows are read as they are committed, and are as far as their projection is. Of a projection with several versions
    /// they are those of the live one.
    ///
    /// ```
    /// use sourced::prelude::*;
    ///
    /// #[event("todo.added")]
    /// pub struct TodoAdded {
    ///     pub todo_id: u64,
    ///     pub title: String,
    /// }
    ///
    /// #[derive(Debug, PartialEq, Projection)]
    /// #[projection(table = "outstanding_todos")]
    /// pub struct OutstandingTodo {
    ///     #[key]
    ///     todo_id: u64,
    ///     title: String,
    /// }
    ///
    /// #[projector]
    /// impl OutstandingTodo {
    ///     #[event]
    ///     fn added(event: &TodoAdded) -> Self {
    ///         Self { todo_id: event.todo_id, title: event.title.clone() }
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().register::<OutstandingTodo>().build().await?;
    /// let todos = || app.rows::<OutstandingTodo>();
    /// assert_eq!(todos().get(7_u64).await?, None);
    /// let page = todos()
    ///     .filter(|todo| todo.title.at_least("m"))
    ///     .order_by(|todo| todo.title.ascending())
    ///     .limit(20)
    ///     .all()
    ///     .await?;
    /// if let Some(last) = page.last() {
    ///     todos().order_by(|todo| todo.title.ascending()).after(last).limit(20).all().await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn rows<R: Row>(&self) -> RowsOf<R> {
        let table = table_of::<R>();
        let ours = self.inner.reactors.iter().filter(|reactor| {
            let of_reactor = reactor.table();
            of_reactor.is_some_and(|it| it.name == table.name && it.columns == table.columns)
        });
        let versions = ours.filter_map(|it| Some((it.table()?.version, it.group().clone())));
        RowsOf {
            backend: Arc::clone(self.backend()),
            version: versions.max(),
            table,
            query: RowQuery::default(),
            wrong: None,
            of: PhantomData,
        }
    }
}

impl<R: Row> RowsOf<R> {
    /// Only rows that meet a condition, and those of earlier calls.
    pub fn filter(mut self, condition: impl FnOnce(&R::Columns) -> Condition<R>) -> Self {
        let Condition { at, test, .. } = condition(&R::COLUMNS);
        match test {
            Ok(test) => self.query.filters.push((at, test)),
            Err(error) => self.note(error),
        }
        self
    }

    /// Sorted by a column, and within the order of earlier calls. By the key in the end, so that the order is always the
    /// same.
    pub fn order_by(mut self, order: impl FnOnce(&R::Columns) -> Order<R>) -> Self {
        let Order { at, direction, .. } = order(&R::COLUMNS);
        self.query.order.push((at, direction));
        self
    }

    /// Only what comes after this row in the order of the query: the next page after the one that ended with it. It need
    /// not be there any more.
    pub fn after(mut self, row: &R) -> Self {
        match values_of(&self.table, row) {
            Ok(values) => self.query.after = Some(values),
            Err(error) => self.note(error),
        }
        self
    }

    /// No more rows than these.
    pub fn limit(mut self, limit: usize) -> Self {
        self.query.limit = Some(limit);
        self
    }

    /// All rows that are asked for.
    ///
    /// # Errors
    /// [`Failure`] when no column can hold a value that was asked for, a row is not one of this table, or the storage does
    /// not answer; [`NotLive`] in it when another version is live whose table has no such rows.
    pub async fn all(self) -> Result<Vec<R>, Failure> {
        if let Some(error) = self.wrong {
            return Err(error.into());
        }
        let mut live = self.backend.live(self.table.name).await?;
        loop {
            let table = Table {
                version: live.map_or(self.table.version, |live| live.version),
                ..self.table.clone()
            };
            let error = match self.backend.rows(&table, &self.query).await {
                Ok(rows) => {
                    let rows = rows.into_iter().map(|row| row_of(&table, row));
                    return Ok(rows.collect::<Result<_, _>>()?);
                }
                Err(error) => error,
            };
            let now = self.backend.live(self.table.name).await?;
            if now == live {
                return Err(self.not_live(table.version, error).await);
            }
            // Somebody has made another version live, and forgotten that one.
            live = now;
        }
    }

    /// The error, or that it is one because another version is live.
    async fn not_live(&self, live: u32, error: BackendError) -> Failure {
        let Some((version, group)) = self.version.as_ref() else {
            return error.into();
        };
        if error.is_transient() || *version == live {
            return error.into();
        }
        let not_live = NotLive {
            table: self.table.name,
            version: *version,
            live,
            progress: progress(&*self.backend, group).await.ok(),
            refused: error,
        };
        Failure::permanent(not_live)
    }

    /// The row of this key, if it is there and meets the conditions.
    ///
    /// # Errors
    /// As [`RowsOf::all`].
    pub async fn get(mut self, key: impl Into<R::Key>) -> Result<Option<R>, Failure> {
        let values = key_values_of::<R>(&key.into())?;
        let places: Vec<usize> = self.table.key().map(|(at, _)| at).collect();
        let tests = values.into_iter().map(Test::Is);
        self.query.filters.extend(places.into_iter().zip(tests));
        Ok(self.all().await?.pop())
    }

    /// The first mistake is the one to tell.
    fn note(&mut self, error: ColumnError) {
        self.wrong.get_or_insert(error);
    }
}

impl<R: Row> fmt::Debug for RowsOf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowsOf")
            .field("table", &R::TABLE)
            .finish_non_exhaustive()
    }
}
