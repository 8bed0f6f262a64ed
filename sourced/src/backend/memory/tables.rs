//! Tables of read models in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Memory, State};
use crate::backend::{
    BackendError, Column, FoundColumn, Mark, RowChanges, RowQuery, Sorting, Table, TableError,
    Tables, Value, Values,
};
use crate::stream::{GroupId, Position};

/// A table: what it was made as, and its rows by their keys.
#[derive(Debug)]
pub(super) struct Rows {
    table: Table,
    rows: BTreeMap<Values, Values>,
}

type Stored = BTreeMap<String, Rows>;

#[async_trait]
impl Tables for Memory {
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
        table.check()?;
        {
            let mut state = self.state();
            let is_known = state.groups.contains_key(group);
            if let Some(known) = state.tables.get_mut(&table.physical_name()) {
                table.compare(&known.found())?;
                if !is_known && !known.rows.is_empty() {
                    return Err(TableError::occupied(table, group));
                }
                known.table = table.clone();
                return Ok(());
            }
            let rows = Rows {
                table: table.clone(),
                rows: BTreeMap::new(),
            };
            state.tables.insert(table.physical_name(), rows);
            state.set_back(group);
        }
        self.raise();
        Ok(())
    }

    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
        let _turn = self.shared.transaction.lock().await;
        {
            let mut state = self.state();
            state.known(group)?;
            stored_mut(&mut state.tables, table)?.rows.clear();
            state.set_back(group);
        }
        self.raise();
        Ok(())
    }

    async fn drop_table(&self, table: &Table) -> Result<(), BackendError> {
        self.state().tables.remove(&table.physical_name());
        Ok(())
    }

    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
        let state = self.state();
        let stored = stored(&state.tables, table)?;
        // The struct of a program and the live version may be of different shapes.
        let place = |column: &Column| {
            let mut columns = stored.table.columns.iter();
            let place = columns.position(|there| {
                (there.name, there.of, there.nulls) == (column.name, column.of, column.nulls)
            });
            place.ok_or_else(|| missing(&format!("{}.{}", table.physical_name(), column.name)))
        };
        let places: Vec<usize> = table.columns.iter().map(place).collect::<Result<_, _>>()?;
        let order = query.full_order(table);
        let sort_key = |row: &Values| order.iter().map(|(at, _)| row[*at].clone()).collect();
        let is_beyond = |row: &Values| {
            let after = query.after.as_ref().map(sort_key);
            after.is_none_or(|after| compare(&order, &sort_key(row), &after).is_gt())
        };
        let found = stored.rows.values().map(|row| {
            let values = places.iter().map(|at| row[*at].clone());
            values.collect::<Values>()
        });
        let mut found: Vec<_> = found
            .filter(|row| query.matches(row) && is_beyond(row))
            .collect();
        found.sort_by(|a, b| compare(&order, &sort_key(a), &sort_key(b)));
        found.truncate(query.limit.unwrap_or(usize::MAX));
        Ok(found)
    }
}

fn compare(order: &[(usize, Sorting)], a: &Values, b: &Values) -> std::cmp::Ordering {
    let pairs = order.iter().zip(a.iter().zip(b));
    let mut each = pairs.map(|((_, direction), (a, b))| match direction {
        Sorting::Ascending => a.cmp(b),
        Sorting::Descending => b.cmp(a),
    });
    each.find(|ordering| ordering.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}

fn stored<'s>(tables: &'s Stored, table: &Table) -> Result<&'s Rows, BackendError> {
    let name = table.physical_name();
    tables.get(&name).ok_or_else(|| missing(&name))
}

fn stored_mut<'s>(tables: &'s mut Stored, table: &Table) -> Result<&'s mut Rows, BackendError> {
    let name = table.physical_name();
    tables.get_mut(&name).ok_or_else(|| missing(&name))
}

fn missing(name: &str) -> BackendError {
    BackendError::Refused(format!("there is no table `{name}`").into())
}

impl State {
    /// Sets a group back to its beginning, if it is known.
    fn set_back(&mut self, group: &GroupId) {
        let Self { log, groups, .. } = self;
        if let Some(lanes) = groups.get_mut(group) {
            lanes.reset(None, Position::START, log);
        }
    }
}

impl Rows {
    fn found(&self) -> Vec<FoundColumn> {
        let columns = self.table.columns.iter();
        let found = columns.map(|column| FoundColumn {
            name: column.name.to_owned(),
            of: Some(column.of),
            said: column.of.to_string(),
            nulls: column.nulls,
            is_key: column.mark == Mark::Key,
            is_unique: column.mark == Mark::Unique,
            has_default: false,
        });
        found.collect()
    }
}

/// What a transaction has made of rows so far, by table and key; `None` is one that goes.
#[derive(Debug, Default)]
pub(super) struct RowOverlay {
    written: BTreeMap<String, BTreeMap<Values, Option<Values>>>,
}

impl RowOverlay {
    pub(super) fn read(
        &self,
        tables: &Stored,
        table: &Table,
        keys: &[Values],
    ) -> Result<Vec<Values>, BackendError> {
        let stored = stored(tables, table)?;
        let written = self.written.get(&table.physical_name());
        let rows = keys.iter().filter_map(|key| {
            let written = written.and_then(|written| written.get(key));
            match written {
                Some(written) => written.clone(),
                None => stored.rows.get(key).cloned(),
            }
        });
        Ok(rows.collect())
    }

    pub(super) fn change(
        &mut self,
        tables: &Stored,
        table: &Table,
        changes: &RowChanges,
    ) -> Result<(), BackendError> {
        let stored = stored(tables, table)?;
        let written = self.written.entry(table.physical_name()).or_default();
        for key in &changes.deleted {
            written.insert(key.clone(), None);
        }
        for row in changes.changed.iter().chain(&changes.created) {
            let key = table.key_of(row);
            let there = stored
                .rows
                .iter()
                .filter(|(key, _)| !written.contains_key(*key));
            let there = there.chain(
                written
                    .iter()
                    .filter_map(|(k, row)| Some((k, row.as_ref()?))),
            );
            let clash = clash(table, row, &key, &there);
            if let Some(column) = clash {
                let text = format!("two rows of `{}` have the same `{column}`", table.name);
                return Err(BackendError::Refused(text.into()));
            }
            written.insert(key, Some(row.clone()));
        }
        Ok(())
    }

    pub(super) fn apply(self, tables: &mut Stored) {
        for (table, rows) in self.written {
            // A table that was dropped meanwhile is made anew, and filled by whoever makes it.
            let Some(stored) = tables.get_mut(&table) else {
                continue;
            };
            for (key, row) in rows {
                match row {
                    Some(row) => _ = stored.rows.insert(key, row),
                    None => _ = stored.rows.remove(&key),
                }
            }
        }
    }
}

/// The unique column in which another row has the same value.
fn clash<'r>(
    table: &Table,
    row: &[Value],
    key: &Values,
    there: &(impl Iterator<Item = (&'r Values, &'r Values)> + Clone),
) -> Option<&'static str> {
    let columns = table.columns.iter().enumerate();
    let mut unique =
        columns.filter(|(at, column)| column.mark == Mark::Unique && !row[*at].is_null());
    let has_twin = |at: usize| {
        let mut others = there.clone().filter(|(other, _)| *other != key);
        others.any(|(_, other)| other[at] == row[at])
    };
    unique
        .find(|(at, _)| has_twin(*at))
        .map(|(_, column)| column.name)
}
