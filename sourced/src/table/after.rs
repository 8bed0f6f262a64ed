//! What a table projector does after the commit, for each row that the batch has changed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::fold::spoken;
use super::project::TableProjector;
use super::row_of;
use crate::backend::{Table, Values};
use crate::failure::Failure;
use crate::reactor::{Afterwards, Batch, Context, Services, guarded};

/// What a batch has done to a row. An `#[after_sync]` method of a table that asks for it is called for rows that ended, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowChange {
    /// It was not there before.
    Created,
    /// It was there, and is another one now.
    Changed,
    /// It is not there any more. The row is the one that was stored last.
    Deleted,
}

impl RowChange {
    /// Whether the row is not there any more.
    pub const fn is_deleted(self) -> bool {
        matches!(self, Self::Deleted)
    }
}

/// Does something about rows that were saved. `#[after_sync]` methods of a table write this.
pub trait AfterRow: TableProjector {
    /// Does it, on a row as it was saved.
    fn after_sync(
        &self,
        change: RowChange,
        cx: &Context,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

pub(super) type AfterOf<R> =
    for<'a> fn(&'a R, RowChange, &'a Context) -> BoxFuture<'a, Result<(), Failure>>;

pub(super) fn after_of<'a, R: AfterRow>(
    row: &'a R,
    change: RowChange,
    cx: &'a Context,
) -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(row.after_sync(change, cx))
}

/// A row that a transaction changes.
pub(super) struct ChangedRow {
    /// As it is stored; as it was stored last where it ended.
    pub(super) values: Values,
    pub(super) change: RowChange,
    /// Whether all events that changed it were handled before.
    pub(super) is_replay: bool,
}

/// Where the rows are that a transaction changes.
pub(super) type ChangedRows = Arc<Mutex<Vec<ChangedRow>>>;

pub(super) fn changed_rows(rows: &ChangedRows) -> MutexGuard<'_, Vec<ChangedRow>> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls the methods of a table for its rows when the transaction has committed.
pub(super) struct AfterCommit<R> {
    after: AfterOf<R>,
    table: Arc<Table>,
    rows: ChangedRows,
    /// For rows that changed now, and for those in a replay, as far as the batch has such events.
    contexts: Vec<Context>,
}

impl<R: TableProjector> AfterCommit<R> {
    pub(super) fn new(
        after: AfterOf<R>,
        table: &Arc<Table>,
        rows: &ChangedRows,
        batch: &Batch<'_>,
    ) -> Self {
        let last = |replaying| {
            let mut deliveries = batch.deliveries.iter().rev();
            deliveries.find(|delivery| delivery.replaying == replaying)
        };
        let of = [false, true].into_iter().filter_map(last);
        Self {
            after,
            table: Arc::clone(table),
            rows: Arc::clone(rows),
            contexts: of.map(|delivery| Context::of(batch, delivery)).collect(),
        }
    }

    async fn call(&self, changed: &ChangedRow, cx: &Context) -> Result<(), Failure> {
        let row: R = row_of(&self.table, changed.values.clone())?;
        (self.after)(&row, changed.change, cx).await
    }
}

#[async_trait]
impl<R: TableProjector> Afterwards for AfterCommit<R> {
    async fn run(&self, _: &Services) {
        let rows = std::mem::take(&mut *changed_rows(&self.rows));
        for changed in &rows {
            let is_of_row = |cx: &&Context| cx.is_replaying() == changed.is_replay;
            let Some(cx) = self.contexts.iter().find(is_of_row) else {
                continue;
            };
            if let Err(failure) = guarded(self.call(changed, cx)).await {
                let key = spoken(&self.table.key_of(&changed.values));
                tracing::warn!(projector = R::NAME, row = key, stream = %cx.stream_id(), error = %failure.chain(), "what comes after the commit failed, and is not tried again");
            }
        }
    }
}

impl<R: TableProjector> fmt::Debug for AfterCommit<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AfterCommit")
            .field("projector", &R::NAME)
            .finish_non_exhaustive()
    }
}
