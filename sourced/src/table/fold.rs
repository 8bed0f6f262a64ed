//! Folding the events of a batch into their rows, inside the transaction that acknowledges them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::after::{ChangedRow, ChangedRows, RowChange, changed_rows};
use super::project::{Change, Misfit, RowError, RowProblem};
use super::{Row, key_values_of, row_of, values_of};
use crate::backend::{BackendError, RowChanges, SyncAction, Table, Tx, Value, Values};
use crate::failure::Failure;
use crate::reactor::{FailedAt, guarded_now};
use crate::stream::GroupId;

/// The events of a batch, decoded, and the rows that they are about.
pub(super) struct Fold<R> {
    group: GroupId,
    table: Arc<Table>,
    /// Never empty.
    steps: Vec<Step<R>>,
    /// The keys of the rows, in order and each once.
    keys: Vec<Values>,
    /// Where the rows go that it changes, if somebody wants to know.
    changed: Option<ChangedRows>,
}

/// An event of the batch.
struct Step<R> {
    change: Box<dyn Change<R>>,
    /// The place of its row's key among all.
    row: usize,
    is_replay: bool,
}

/// An event of the batch, decoded, with the key of its row.
pub(super) struct Decoded<R> {
    pub(super) key: Values,
    pub(super) change: Box<dyn Change<R>>,
    pub(super) is_replay: bool,
}

/// A row while the events are folded into it.
enum Folding<R> {
    AsStored,
    Is(Option<R>),
}

#[async_trait]
impl<R: Row> SyncAction for Fold<R> {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        // Whoever locks rows does so in the same order as everybody else.
        let rows = tx.read_rows(&self.table, &self.keys).await;
        let rows = rows.map_err(|failure| self.refused(failure))?;
        let mut stored = vec![None; self.keys.len()];
        for row in rows {
            if let Some(at) = self.place_of(&row) {
                stored[at] = Some(row);
            }
        }
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
    /// Of events in their order, one at least.
    pub(super) fn new(
        group: GroupId,
        table: Arc<Table>,
        events: Vec<Decoded<R>>,
        changed: Option<ChangedRows>,
    ) -> Self {
        let mut of_keys = Vec::with_capacity(events.len());
        let mut steps = Vec::with_capacity(events.len());
        for (at, event) in events.into_iter().enumerate() {
            of_keys.push((event.key, at));
            steps.push(Step {
                change: event.change,
                row: 0,
                is_replay: event.is_replay,
            });
        }
        of_keys.sort_unstable();
        let mut keys: Vec<Values> = Vec::with_capacity(of_keys.len());
        for (key, at) in of_keys {
            if keys.last() != Some(&key) {
                keys.push(key);
            }
            steps[at].row = keys.len() - 1;
        }
        Self {
            group,
            table,
            steps,
            keys,
            changed,
        }
    }

    /// The place of a row's key among all.
    fn place_of(&self, row: &[Value]) -> Option<usize> {
        let of_row = || self.table.key().map(|(at, _)| row.get(at));
        let place = self
            .keys
            .binary_search_by(|key| key.iter().map(Some).cmp(of_row()));
        place.ok()
    }

    /// What the events make of the rows. A failure tells at which event.
    fn changes(&self, stored: &[Option<Values>]) -> Result<RowChanges, Failure> {
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
        stored: &[Option<Values>],
    ) -> Result<RowChanges, (usize, RowProblem)> {
        let mut rows: Vec<Folding<R>> = Vec::new();
        rows.resize_with(self.keys.len(), || Folding::AsStored);
        for (at, step) in self.steps[..n_steps].iter().enumerate() {
            let here = |problem| (at, problem);
            let row = match std::mem::replace(&mut rows[step.row], Folding::AsStored) {
                Folding::Is(row) => row,
                Folding::AsStored => self.read(stored[step.row].as_ref()).map_err(here)?,
            };
            let row = self.evolved(step, row).map_err(here)?;
            rows[step.row] = Folding::Is(row);
        }
        let mut changes = RowChanges::default();
        for ((row, key), stored) in rows.into_iter().zip(&self.keys).zip(stored) {
            let Folding::Is(row) = row else {
                continue;
            };
            let values = row.map(|row| values_of(&self.table, &row)).transpose();
            let values = values.map_err(|error| (n_steps - 1, error.into()))?;
            match (stored, values) {
                (None, None) => {}
                (None, Some(new)) => changes.created.push(new),
                (Some(old), Some(new)) if is_same(old, &new) => {}
                (Some(_), Some(new)) => changes.changed.push(new),
                (Some(_), None) => changes.deleted.push(key.clone()),
            }
        }
        Ok(changes)
    }

    fn read(&self, stored: Option<&Values>) -> Result<Option<R>, RowProblem> {
        let row = stored.map(|values| row_of(&self.table, values.clone()));
        Ok(row.transpose()?)
    }

    fn evolved(&self, step: &Step<R>, row: Option<R>) -> Result<Option<R>, RowProblem> {
        let applied = guarded_now(|| step.change.apply(row));
        let row = applied.map_err(|failure| RowProblem::Panicked(failure.to_string()))??;
        if let Some(row) = &row
            && key_values_of::<R>(&row.key())? != self.keys[step.row]
        {
            return Err(Misfit::OtherKey.into());
        }
        Ok(row)
    }

    /// The rows that come of these changes, and what was stored of those that end.
    fn changed_rows(
        &self,
        changes: RowChanges,
        mut stored: Vec<Option<Values>>,
    ) -> Vec<ChangedRow> {
        let mut is_replay = vec![true; self.keys.len()];
        for step in &self.steps {
            is_replay[step.row] &= step.is_replay;
        }
        let ended = changes.deleted.iter().filter_map(|key| {
            let at = self.keys.binary_search(key).ok()?;
            stored[at].take()
        });
        let of = |change| move |values| (change, values);
        let written = changes.created.into_iter().map(of(RowChange::Created));
        let written = written.chain(changes.changed.into_iter().map(of(RowChange::Changed)));
        let all = written.chain(ended.map(of(RowChange::Deleted)));
        let row = |(change, values): (_, Values)| ChangedRow {
            change,
            is_replay: self.place_of(&values).is_none_or(|at| is_replay[at]),
            values,
        };
        all.map(row).collect()
    }

    /// A failure of the event at this place of the batch.
    fn failed(&self, at: usize, why: RowProblem) -> Failure {
        let step = &self.steps[at];
        let event = step.change.event();
        let failure = Failure::from(RowError {
            group: self.group.clone(),
            type_name: event.type_name,
            stream: event.stream_id,
            seq: event.seq,
            position: event.position,
            table: self.table.name,
            key: spoken(&self.keys[step.row]),
            why,
        });
        self.at(at, true, failure)
    }

    /// What the database refuses does not say which event is to blame: the first half is tried without the second.
    fn narrowed(&self, failure: Failure) -> Failure {
        match failure.find() {
            Some(BackendError::Refused(_)) if self.steps.len() > 1 => {
                self.at(self.steps.len() / 2, false, failure)
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

    fn at(&self, at: usize, is_to_blame: bool, failure: Failure) -> Failure {
        let position_of = |at: usize| self.steps[at].change.event().position;
        let position = position_of(at);
        if position <= position_of(0) {
            return failure;
        }
        Failure::from(FailedAt {
            position,
            is_to_blame,
            failure,
        })
    }
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

impl<R> fmt::Debug for Fold<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fold")
            .field("group", &self.group)
            .field("n_steps", &self.steps.len())
            .finish_non_exhaustive()
    }
}
