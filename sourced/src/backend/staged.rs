//! Rows that the sync actions of several acknowledgements read and change together.

use std::collections::BTreeMap;

use super::tables::{RowChanges, Table, Values};

/// What rows become, or that they go, by key.
pub(super) type RowsChanged = BTreeMap<Values, Option<Values>>;

/// Rows of one table, asked for by sync actions.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsWanted {
    /// The table.
    pub table: Table,
    /// The keys of the rows, which need not be there.
    pub keys: Vec<Values>,
}

/// The rows of a table that several acknowledgements touch: a backend reads them once, lets the sync actions of one
/// acknowledgement after the other change them in memory, and writes once what came out. For backends.
///
/// ```
/// use sourced::backend::{Ack, Rehearsals, RowChanges, RowsWanted, StagedRows, Table, Values};
///
/// fn changes(
///     rehearsals: &Rehearsals,
///     acks: &[(Ack, RowsWanted)],
///     read: fn(&Table, &[Values]) -> Vec<Values>,
/// ) -> Option<RowChanges> {
///     let mut rows = StagedRows::of(acks.iter().map(|(_, wanted)| wanted))?;
///     rows.fill(read(rows.table(), &rows.keys()));
///     let all_fit = acks.iter().all(|(ack, _)| rehearsals.change(&mut rows, ack));
///     all_fit.then(|| rows.changes())
/// }
/// ```
#[derive(Debug)]
pub struct StagedRows {
    table: Table,
    rows: BTreeMap<Values, Staged>,
}

/// A row that may be there or not.
#[derive(Debug, Default)]
struct Staged {
    before: Option<Values>,
    now: Option<Values>,
    is_changed: bool,
}

impl StagedRows {
    /// For all the rows that are wanted of one table. `None` when they are of several, or none is wanted.
    pub fn of<'w>(wanted: impl IntoIterator<Item = &'w RowsWanted>) -> Option<Self> {
        let mut staged: Option<Self> = None;
        for RowsWanted { table, keys } in wanted {
            let staged = staged.get_or_insert_with(|| Self {
                table: table.clone(),
                rows: BTreeMap::new(),
            });
            if staged.table != *table {
                return None;
            }
            for key in keys {
                if !staged.rows.contains_key(key) {
                    staged.rows.insert(key.clone(), Staged::default());
                }
            }
        }
        staged
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The keys of the rows to read, in order and each once.
    pub fn keys(&self) -> Vec<Values> {
        self.rows.keys().cloned().collect()
    }

    /// Takes the rows that are there.
    pub fn fill(&mut self, rows: Vec<Values>) {
        for row in rows {
            let key = self.table.key_of(&row);
            let staged = self.rows.entry(key).or_default();
            staged.now = Some(row.clone());
            staged.before = Some(row);
        }
    }

    /// Takes over what they have become.
    pub(super) fn change(&mut self, changed: RowsChanged) {
        for (key, row) in changed {
            if let Some(staged) = self.rows.get_mut(&key) {
                staged.now = row;
                staged.is_changed = true;
            }
        }
    }

    /// What has become of the rows.
    pub fn changes(self) -> RowChanges {
        let mut changes = RowChanges::default();
        for (key, staged) in self.rows {
            match (staged.before, staged.now) {
                _ if !staged.is_changed => {}
                (None, Some(new)) => changes.created.push(new),
                (Some(_), Some(new)) => changes.changed.push(new),
                (Some(_), None) => changes.deleted.push(key),
                (None, None) => {}
            }
        }
        changes
    }

    /// Whether all of these keys were read.
    pub(super) fn have<'k>(&self, mut keys: impl Iterator<Item = &'k Values>) -> bool {
        keys.all(|key| self.rows.contains_key(key))
    }

    /// The rows of these keys that are there, with what has been changed since. `None` when one of the keys was not read.
    pub(super) fn read(
        &self,
        table: &Table,
        keys: &[Values],
        changed: &RowsChanged,
    ) -> Option<Vec<Values>> {
        if self.table != *table {
            return None;
        }
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let staged = self.rows.get(key)?;
            rows.extend(changed.get(key).unwrap_or(&staged.now).clone());
        }
        Some(rows)
    }
}

/// What rows become by these changes.
pub(super) fn by_key(
    table: &Table,
    changes: &RowChanges,
) -> impl Iterator<Item = (Values, Option<Values>)> {
    let rows = changes.created.iter().chain(&changes.changed);
    let written = rows.map(|row| (table.key_of(row), Some(row.clone())));
    let deleted = changes.deleted.iter().map(|key| (key.clone(), None));
    deleted.chain(written)
}
