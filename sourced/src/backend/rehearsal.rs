//! Finding out what sync actions write, before there is a transaction.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::FutureExt as _;

use super::tables::{RowChanges, Table, Values};
use super::{Ack, BackendError, SyncAction, Tx, TxOps};
use crate::message::Payload;
use crate::stream::GroupId;

/// What documents become: a value, or nothing where they are deleted; by collection and key.
pub type DocumentWrites = BTreeMap<(String, String), Option<Payload>>;

/// Finds out which documents acknowledgements write, without a transaction. For backends that would rather store the
/// documents of many acknowledgements at once than keep a transaction open for each.
///
/// ```
/// use sourced::backend::{Ack, DocumentWrites, Rehearsals};
///
/// fn is_plain(rehearsals: &Rehearsals, ack: &Ack) -> bool {
///     rehearsals.writes(ack).is_some_and(|writes| writes.is_empty())
/// }
/// ```
#[derive(Debug, Default)]
pub struct Rehearsals {
    /// Groups whose sync actions ask for a transaction: they are not run without one again.
    with_transactions: Mutex<HashSet<GroupId>>,
}

impl Rehearsals {
    /// Runs the sync actions of an acknowledgement, in order, with nothing behind them, and gives what they write. Where
    /// this is stored with the acknowledgement, they need not be run again.
    ///
    /// `None` when they have to be run in the transaction: they asked for a document they had not written, for rows or for
    /// the connection, failed, or waited for something.
    pub fn writes(&self, ack: &Ack) -> Option<DocumentWrites> {
        if ack.syncs.is_empty() {
            return Some(DocumentWrites::new());
        }
        if self.lock().contains(&ack.claim.group) {
            return None;
        }
        match Rehearsal::of(&ack.syncs) {
            Rehearsal::Writes(writes) => Some(writes),
            Rehearsal::Unclear => None,
            Rehearsal::NeedsTransaction => {
                self.lock().insert(ack.claim.group.clone());
                None
            }
        }
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
    /// They asked for what only a transaction has.
    NeedsTransaction,
    /// They failed or waited. What becomes of that is for the transaction to show.
    Unclear,
}

impl Rehearsal {
    fn of(syncs: &[Arc<dyn SyncAction>]) -> Self {
        let mut stage = Stage::default();
        for sync in syncs {
            let run = async { sync.run(&mut Tx::new(&mut stage)).await };
            // Whoever does not wait is done at the first look.
            let outcome = AssertUnwindSafe(run).catch_unwind().now_or_never();
            match outcome {
                _ if stage.needs_transaction => return Self::NeedsTransaction,
                Some(Ok(Ok(()))) => {}
                _ => return Self::Unclear,
            }
        }
        Self::Writes(stage.writes)
    }
}

#[derive(Default)]
struct Stage {
    writes: DocumentWrites,
    needs_transaction: bool,
}

#[async_trait]
impl TxOps for Stage {
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

    async fn read_rows(&mut self, _: &Table, _: &[Values]) -> Result<Vec<Values>, BackendError> {
        self.needs_transaction = true;
        pending().await
    }

    async fn change_rows(&mut self, _: &Table, _: &RowChanges) -> Result<(), BackendError> {
        self.needs_transaction = true;
        pending().await
    }

    fn connection(&mut self) -> &mut dyn Any {
        self.needs_transaction = true;
        // No backend's connection, so that nothing can be done with it.
        &mut self.needs_transaction
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[derive(Debug, Clone, Copy)]
    enum Act {
        Put(&'static str, u64),
        Delete(&'static str),
        Get(&'static str),
        Connection,
        Fail,
        Panic,
        Wait,
    }

    #[async_trait]
    impl SyncAction for Act {
        async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
            match *self {
                Self::Put(key, value) => tx.put("docs", key, &value).await,
                Self::Delete(key) => tx.delete("docs", key).await,
                Self::Get(key) => tx.get::<u64>("docs", key).await.map(drop),
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
        Rehearsal::of(&syncs)
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
    fn whoever_fails_panics_or_waits_is_left_to_the_transaction() {
        for act in [Act::Fail, Act::Panic, Act::Wait] {
            let found = rehearsed(&[Act::Put("b", 1), act]);
            assert_eq!(found, Rehearsal::Unclear);
        }
    }
}
