//! Finding out what sync actions write, before there is a transaction.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::staged::{RowsChanged, RowsWanted, StagedRows, by_key};
use super::tables::{RowChanges, Table, Values};
use super::{Ack, BackendError, SyncAction, Tx, TxOps};
use crate::message::Payload;
use crate::stream::GroupId;

/// What documents become: a value, or nothing where they are deleted; by collection and key.
pub type DocumentWrites = BTreeMap<(String, String), Option<Payload>>;

/// What the sync actions of an acknowledgement do, as far as that shows without a transaction.
#[derive(Debug, PartialEq)]
pub enum Rehearsed {
    /// They write these documents. Where these are stored with the acknowledgement, the actions need not be run again.
    Writes(DocumentWrites),
    /// They begin by reading rows, and may be run on those that were read for many: [`Rehearsals::change`].
    Rows(RowsWanted),
}

/// Finds out what acknowledgements write, without a transaction. For backends that would rather store what many of them
/// write at once than keep a transaction open for each.
///
/// ```
/// use sourced::backend::{Ack, Rehearsals, Rehearsed};
///
/// fn is_plain(rehearsals: &Rehearsals, ack: &Ack) -> bool {
///     matches!(rehearsals.rehearse(ack), Some(Rehearsed::Writes(writes)) if writes.is_empty())
/// }
/// ```
#[derive(Debug, Default)]
pub struct Rehearsals {
    /// Groups whose sync actions ask for a transaction: they are not run without one again.
    with_transactions: Mutex<HashSet<GroupId>>,
}

impl Rehearsals {
    /// Runs the sync actions of an acknowledgement, in order, with nothing behind them, and gives what they do.
    ///
    /// `None` when they have to be run in the transaction: they asked for a document they had not written, for rows after
    /// having written, or for the connection, failed, or waited for something.
    pub fn rehearse(&self, ack: &Ack) -> Option<Rehearsed> {
        if ack.syncs.is_empty() {
            return Some(Rehearsed::Writes(DocumentWrites::new()));
        }
        if self.lock().contains(&ack.claim.group) {
            return None;
        }
        match self.of(ack, None) {
            Rehearsal::Writes(writes) => Some(Rehearsed::Writes(writes)),
            Rehearsal::Wants(rows) => Some(Rehearsed::Rows(rows)),
            _ => None,
        }
    }

    /// Runs the sync actions of an acknowledgement on rows that were read in the transaction, as those before it have left
    /// them. `false`, and nothing is changed, when they have to be run in a transaction of their own: they failed, or ask
    /// for something else.
    #[must_use]
    pub fn change(&self, rows: &mut StagedRows, ack: &Ack) -> bool {
        let Rehearsal::Changes(changed) = self.of(ack, Some(rows)) else {
            return false;
        };
        rows.change(changed);
        true
    }

    fn of(&self, ack: &Ack, rows: Option<&StagedRows>) -> Rehearsal {
        let rehearsal = Rehearsal::of(&ack.syncs, rows);
        if rehearsal == Rehearsal::NeedsTransaction {
            self.lock().insert(ack.claim.group.clone());
        }
        rehearsal
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<GroupId>> {
        self.with_transactions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came out of running sync actions without a transaction.
#[derive(Debug, PartialEq)]
enum Rehearsal {
    Writes(DocumentWrites),
    Changes(RowsChanged),
    /// They asked for rows before they wrote anything.
    Wants(RowsWanted),
    /// They asked for what only a transaction has.
    NeedsTransaction,
    /// They failed or waited. What becomes of that is for the transaction to show.
    Unclear,
}

impl Rehearsal {
    fn of(syncs: &[Arc<dyn SyncAction>], rows: Option<&StagedRows>) -> Self {
        let mut stage = Stage {
            rows,
            writes: DocumentWrites::new(),
            changes: RowsChanged::new(),
            wants: None,
            needs_transaction: false,
        };
        for sync in syncs {
            let run = async { sync.run(&mut Tx::new(&mut stage)).await };
            // Whoever does not wait is done at the first look.
            let outcome = AssertUnwindSafe(run).catch_unwind().now_or_never();
            match outcome {
                _ if stage.needs_transaction => return Self::NeedsTransaction,
                Some(Ok(Ok(()))) => {}
                _ => return stage.wants.map_or(Self::Unclear, Self::Wants),
            }
        }
        match rows {
            None => Self::Writes(stage.writes),
            Some(_) if stage.writes.is_empty() => Self::Changes(stage.changes),
            Some(_) => Self::NeedsTransaction,
        }
    }
}

struct Stage<'r> {
    rows: Option<&'r StagedRows>,
    writes: DocumentWrites,
    changes: RowsChanged,
    wants: Option<RowsWanted>,
    needs_transaction: bool,
}

#[async_trait]
impl TxOps for Stage<'_> {
    async fn put_document(
        &mut self,
        collection: &str,
        key: &str,
        value: Payload,
    ) -> Result<(), BackendError> {
        let place = (collection.to_owned(), key.to_owned());
        self.writes.insert(place, Some(value));
        Ok(())
    }

    async fn get_document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError> {
        let place = (collection.to_owned(), key.to_owned());
        if let Some(written) = self.writes.get(&place) {
            return Ok(written.clone());
        }
        self.needs_transaction = true;
        // The action gets no answer: it ends here.
        pending().await
    }

    async fn delete_document(&mut self, collection: &str, key: &str) -> Result<(), BackendError> {
        let place = (collection.to_owned(), key.to_owned());
        self.writes.insert(place, None);
        Ok(())
    }

    async fn read_rows(
        &mut self,
        table: &Table,
        keys: &[Values],
    ) -> Result<Vec<Values>, BackendError> {
        match self.rows {
            None if self.writes.is_empty() => {
                let (table, keys) = (table.clone(), keys.to_vec());
                self.wants = Some(RowsWanted { table, keys });
            }
            None => self.needs_transaction = true,
            Some(rows) => match rows.read(table, keys, &self.changes) {
                Some(rows) => return Ok(rows),
                None => self.needs_transaction = true,
            },
        }
        pending().await
    }

    async fn change_rows(
        &mut self,
        table: &Table,
        changes: &RowChanges,
    ) -> Result<(), BackendError> {
        let changes: RowsChanged = by_key(table, changes).collect();
        let was_read = |rows: &&StagedRows| rows.table() == table && rows.have(changes.keys());
        if self.rows.filter(was_read).is_none() {
            self.needs_transaction = true;
            return pending().await;
        }
        self.changes.extend(changes);
        Ok(())
    }

    fn connection(&mut self) -> &mut dyn Any {
        self.needs_transaction = true;
        // No backend's connection, so that nothing can be done with it.
        &mut self.needs_transaction
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::{Column, ColumnType, Mark, Nulls, Value};
    use super::*;
    use crate::failure::Failure;

    #[derive(Debug, Clone, Copy)]
    enum Act {
        Put(&'static str, u64),
        Delete(&'static str),
        Get(&'static str),
        /// Adds one to the number of a row.
        Count(i64),
        Connection,
        Fail,
        Panic,
        Wait,
    }

    fn table() -> Table {
        let column = |name, mark| Column {
            name,
            of: ColumnType::Integer,
            nulls: Nulls::Refused,
            mark,
        };
        Table {
            name: "counts",
            version: 1,
            columns: vec![column("id", Mark::Key), column("n", Mark::Plain)],
        }
    }

    async fn count(tx: &mut Tx<'_>, id: i64) -> Result<(), Failure> {
        let id = Value::Integer(id);
        let found = tx.read_rows(&table(), &[vec![id.clone()]]).await?;
        let mut changes = RowChanges::default();
        match found.first().map(|row| &row[1]) {
            Some(Value::Integer(n)) => changes.changed.push(vec![id, Value::Integer(n + 1)]),
            _ => changes.created.push(vec![id, Value::Integer(1)]),
        }
        tx.change_rows(&table(), &changes).await
    }

    #[async_trait]
    impl SyncAction for Act {
        async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
            match *self {
                Self::Put(key, value) => tx.put("docs", key, &value).await,
                Self::Delete(key) => tx.delete("docs", key).await,
                Self::Get(key) => tx.get::<u64>("docs", key).await.map(drop),
                Self::Count(id) => count(tx, id).await,
                Self::Connection => {
                    _ = tx.connection::<String>();
                    Ok(())
                }
                Self::Fail => Err(Failure::msg("no")),
                Self::Panic => panic!("this action panics on purpose"),
                Self::Wait => pending().await,
            }
        }
    }

    fn rehearsed(acts: &[Act]) -> Rehearsal {
        let syncs: Vec<Arc<dyn SyncAction>> =
            acts.iter().map(|act| Arc::new(*act) as Arc<_>).collect();
        Rehearsal::of(&syncs, None)
    }

    #[test]
    fn documents_are_collected_and_the_last_write_stays() {
        let found = rehearsed(&[
            Act::Put("b", 1),
            Act::Put("a", 1),
            Act::Get("a"),
            Act::Put("a", 2),
            Act::Delete("b"),
            Act::Get("b"),
        ]);
        let place = |key: &str| ("docs".to_owned(), key.to_owned());
        let two = Payload::encode(&2).unwrap();
        let expected = [(place("a"), Some(two)), (place("b"), None)];
        assert_eq!(found, Rehearsal::Writes(expected.into()));
        assert_eq!(rehearsed(&[]), Rehearsal::Writes(BTreeMap::new()));
    }

    #[test]
    fn reading_what_was_not_written_and_sql_need_a_transaction() {
        for act in [Act::Get("a"), Act::Connection] {
            let found = rehearsed(&[Act::Put("b", 1), act, Act::Put("c", 1)]);
            assert_eq!(found, Rehearsal::NeedsTransaction);
        }
    }

    #[test]
    fn rows_are_asked_for_first_and_then_changed() {
        let table = table();
        let syncs: Vec<Arc<dyn SyncAction>> = vec![Arc::new(Act::Count(7))];
        let wanted = RowsWanted {
            table: table.clone(),
            keys: vec![vec![Value::Integer(7)]],
        };
        let found = Rehearsal::of(&syncs, None);
        assert_eq!(found, Rehearsal::Wants(wanted.clone()));
        let mut rows = StagedRows::of([&wanted]).unwrap();
        for _ in 0..2 {
            let Rehearsal::Changes(changed) = Rehearsal::of(&syncs, Some(&rows)) else {
                panic!("the rows are there");
            };
            rows.change(changed);
        }
        let row = vec![Value::Integer(7), Value::Integer(2)];
        let created = RowChanges {
            created: vec![row],
            ..RowChanges::default()
        };
        assert_eq!(rows.changes(), created);
    }

    #[test]
    fn rows_that_were_not_read_and_documents_beside_rows_need_a_transaction() {
        let wanted = RowsWanted {
            table: table(),
            keys: vec![vec![Value::Integer(7)]],
        };
        let rows = StagedRows::of([&wanted]).unwrap();
        for acts in [&[Act::Count(8)][..], &[Act::Count(7), Act::Put("a", 1)]] {
            let syncs: Vec<Arc<dyn SyncAction>> =
                acts.iter().map(|act| Arc::new(*act) as Arc<_>).collect();
            let found = Rehearsal::of(&syncs, Some(&rows));
            assert_eq!(found, Rehearsal::NeedsTransaction);
        }
        let found = rehearsed(&[Act::Put("a", 1), Act::Count(7)]);
        assert_eq!(found, Rehearsal::NeedsTransaction);
    }

    #[test]
    fn whoever_fails_panics_or_waits_is_left_to_the_transaction() {
        for act in [Act::Fail, Act::Panic, Act::Wait] {
            let found = rehearsed(&[Act::Put("b", 1), act]);
            assert_eq!(found, Rehearsal::Unclear);
        }
    }
}
