//! Folding the events of a batch into their rows, inside the transaction that acknowledges them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::after::{ChangedRow, ChangedRows, RowChange, changed_rows};
use super::project::{Misfit, RowError, RowProblem, Step};
use super::{Row, key_values_of, row_of, values_of};
use crate::backend::{BackendError, RowChanges, SyncAction, Table, Tx, Value, Values};
use crate::failure::Failure;
use crate::message::{Message, StoredMessage};
use crate::reactor::{FailedAt, guarded_now};
use crate::stream::GroupId;

/// The events of a batch, decoded.
pub(super) struct Fold<R> {
    pub(super) group: GroupId,
    pub(super) table: Arc<Table>,
    /// Never empty.
    pub(super) steps: Vec<Decoded<R>>,
    /// Where the rows go that it changes, if somebody wants to know.
    pub(super) changed: Option<ChangedRows>,
}

/// An event of the batch, decoded.
pub(super) struct Decoded<R> {
    pub(super) event: Message<()>,
    pub(super) step: Step<R>,
    pub(super) is_replay: bool,
}

/// What is stored, by key.
type Stored = BTreeMap<Values, Values>;

#[async_trait]
impl<R: Row> SyncAction for Fold<R> {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        // Whoever locks rows does so in the same order as everybody else.
        let keys: BTreeSet<&Values> = self.steps.iter().map(|decoded| &decoded.step.key).collect();
        let keys: Vec<Values> = keys.into_iter().cloned().collect();
        let rows = tx.read_rows(&self.table, &keys).await;
        let rows = rows.map_err(|failure| self.refused(failure))?;
        let stored = rows.into_iter().map(|row| (self.table.key_of(&row), row));
        let stored = stored.collect();
        let changes = self.changes(&stored)?;
        if !changes.is_empty() {
            let written = tx.change_rows(&self.table, &changes).await;
            written.map_err(|failure| self.narrowed(failure))?;
        }
        if let Some(changed) = &self.changed {
            // It may have run before, in a transaction that came to nothing.
            *changed_rows(changed) = self.changed_rows(changes, stored);
        }
        Ok(())
    }
}

impl<R: Row> Fold<R> {
    /// What the events make of the rows. A failure tells at which event.
    fn changes(&self, stored: &Stored) -> Result<RowChanges, Failure> {
        let n_steps = self.steps.len();
        match self.changes_of_first(n_steps, stored) {
            Ok(changes) => Ok(changes),
            // A row that cannot be written is noticed at the end. Which event made it so is found by doing less.
            Err(_) => (1..=n_steps)
                .find_map(|n| self.changes_of_first(n, stored).err())
                .map_or_else(|| self.changes_of_first(n_steps, stored), Err)
                .map_err(|(at, problem)| self.failed(at, problem)),
        }
    }

    fn changes_of_first(
        &self,
        n_steps: usize,
        stored: &Stored,
    ) -> Result<RowChanges, (usize, RowProblem)> {
        let mut rows: BTreeMap<&Values, Option<R>> = BTreeMap::new();
        for (at, Decoded { step, .. }) in self.steps[..n_steps].iter().enumerate() {
            let here = |problem| (at, problem);
            let row = match (rows.remove(&step.key), stored.get(&step.key)) {
                (Some(row), _) => row,
                (None, Some(values)) => {
                    Some(row_of(&self.table, values.clone()).map_err(|e| here(e.into()))?)
                }
                (None, None) => None,
            };
            let row = evolved(step, row).map_err(here)?;
            rows.insert(&step.key, row);
        }
        let mut changes = RowChanges::default();
        for (key, row) in rows {
            let values = row.map(|row| values_of(&self.table, &row)).transpose();
            let values = values.map_err(|error| (n_steps - 1, error.into()))?;
            match (stored.get(key), values) {
                (None, None) => {}
                (None, Some(new)) => changes.created.push(new),
                (Some(old), Some(new)) if is_same(old, &new) => {}
                (Some(_), Some(new)) => changes.changed.push(new),
                (Some(_), None) => changes.deleted.push(key.clone()),
            }
        }
        Ok(changes)
    }

    /// The rows that come of these changes, and what was stored of those that end.
    fn changed_rows(&self, changes: RowChanges, mut stored: Stored) -> Vec<ChangedRow> {
        let live = self.steps.iter().filter(|decoded| !decoded.is_replay);
        let live: BTreeSet<&Values> = live.map(|decoded| &decoded.step.key).collect();
        let ended = changes.deleted.iter().filter_map(|key| stored.remove(key));
        let of = |change| move |values| (change, values);
        let written = changes.created.into_iter().map(of(RowChange::Created));
        let written = written.chain(changes.changed.into_iter().map(of(RowChange::Changed)));
        let all = written.chain(ended.map(of(RowChange::Deleted)));
        let row = |(change, values): (_, Values)| ChangedRow {
            change,
            is_replay: !live.contains(&self.table.key_of(&values)),
            values,
        };
        all.map(row).collect()
    }

    /// A failure of the event at this place of the batch.
    fn failed(&self, at: usize, why: RowProblem) -> Failure {
        let Decoded { event, step, .. } = &self.steps[at];
        let failure = Failure::from(RowError {
            group: self.group.clone(),
            type_name: event.type_name.clone(),
            stream: event.stream_id.clone(),
            seq: event.seq,
            position: event.position,
            table: self.table.name,
            key: spoken(&step.key),
            why,
        });
        self.at(at, failure)
    }

    /// What the database refuses does not say which event is to blame: the first half is tried without the second.
    fn narrowed(&self, failure: Failure) -> Failure {
        match failure.find() {
            Some(BackendError::Refused(_)) if self.steps.len() > 1 => {
                self.at(self.steps.len() / 2, failure)
            }
            _ => self.refused(failure),
        }
    }

    /// What the database refuses, told of the first event.
    fn refused(&self, failure: Failure) -> Failure {
        match failure.find() {
            Some(error) if !BackendError::is_transient(error) => {
                self.failed(0, RowProblem::Table(failure.into()))
            }
            _ => failure,
        }
    }

    fn at(&self, at: usize, failure: Failure) -> Failure {
        let (first, event) = (&self.steps[0].event, &self.steps[at].event);
        if event.position <= first.position {
            return failure;
        }
        Failure::from(FailedAt {
            position: event.position,
            failure,
        })
    }
}

fn evolved<R: Row>(step: &Step<R>, row: Option<R>) -> Result<Option<R>, RowProblem> {
    let applied = guarded_now(|| (step.apply)(row));
    let row = applied.map_err(|failure| RowProblem::Panicked(failure.to_string()))??;
    if let Some(row) = &row
        && key_values_of::<R>(&row.key())? != step.key
    {
        return Err(Misfit::OtherKey.into());
    }
    Ok(row)
}

/// Whether writing would change nothing. Zero has a sign here.
fn is_same(old: &[Value], new: &[Value]) -> bool {
    let is_same = |(old, new): (&Value, &Value)| match (old, new) {
        (Value::Float(old), Value::Float(new)) => old.to_bits() == new.to_bits(),
        (old, new) => old == new,
    };
    old.iter().zip(new).all(is_same)
}

/// A key for people.
pub(super) fn spoken(key: &[Value]) -> String {
    let parts = key.iter().map(|value| match value {
        Value::Text(text) | Value::Json(text) => format!("{text:?}"),
        Value::Uuid(id) => id.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(is) => is.to_string(),
        Value::Timestamp(time) => time.to_string(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Null => "null".to_owned(),
    });
    let parts: Vec<String> = parts.collect();
    format!("({})", parts.join(", "))
}

/// The envelope of a message, for what is said of it.
pub(super) fn envelope(message: &StoredMessage) -> Message<()> {
    message.clone().map(|_| ())
}

impl<R> fmt::Debug for Fold<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold")
            .field("group", &self.group)
            .field("n_steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}
