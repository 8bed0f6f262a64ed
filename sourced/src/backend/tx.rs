//! The transaction that acknowledges, as projections see it.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tables::{RowChanges, Table, Values};
use super::{BackendError, check_document_key, check_keys, check_rows};
use crate::failure::Failure;
use crate::message::Payload;

/// The transaction in which a batch is acknowledged: what is written through it commits with the acknowledgement, or
/// not at all.
///
/// Documents work on every backend. For SQL of your own, the backend's crate has an extension trait that gives the
/// connection, such as `sourced_sqlite::SqliteTx`.
pub struct Tx<'t> {
    ops: &'t mut (dyn TxOps + 't),
}

impl<'t> Tx<'t> {
    /// Wraps a backend's own transaction. For backends.
    pub fn new(ops: &'t mut (dyn TxOps + 't)) -> Self {
        Self { ops }
    }

    /// Writes a document, replacing the one of that key.
    ///
    /// The names of the collection and of the key have no NUL, and [`MAX_KEY_BYTES`](super::MAX_KEY_BYTES) together at most,
    /// on every backend.
    ///
    /// # Errors
    /// [`Failure`] when the value cannot be read back from JSON as it is, by [`Payload::encode`], or the storage does not
    /// answer; a [permanent](Failure::permanent) one with [`KeyError`](super::KeyError) when there can be no such key.
    pub async fn put(
        &mut self,
        collection: &str,
        key: impl AsRef<str>,
        value: &(impl Serialize + DeserializeOwned),
    ) -> Result<(), Failure> {
        check_document_key(collection, key.as_ref()).map_err(Failure::permanent)?;
        let value = Payload::encode(value)?;
        Ok(self
            .ops
            .put_document(collection, key.as_ref(), value)
            .await?)
    }

    /// Reads a document as this transaction sees it.
    ///
    /// # Errors
    /// [`Failure`] when the document is not a `T`, there can be no such key, or the storage does not answer.
    pub async fn get<T: DeserializeOwned>(
        &mut self,
        collection: &str,
        key: impl AsRef<str>,
    ) -> Result<Option<T>, Failure> {
        check_document_key(collection, key.as_ref()).map_err(Failure::permanent)?;
        match self.ops.get_document(collection, key.as_ref()).await? {
            Some(value) => Ok(Some(value.decode()?)),
            None => Ok(None),
        }
    }

    /// Removes a document; it need not be there.
    ///
    /// # Errors
    /// [`Failure`] when there can be no such key, or the storage does not answer.
    pub async fn delete(&mut self, collection: &str, key: impl AsRef<str>) -> Result<(), Failure> {
        check_document_key(collection, key.as_ref()).map_err(Failure::permanent)?;
        Ok(self.ops.delete_document(collection, key.as_ref()).await?)
    }

    /// Reads rows by their keys, to change them: until the transaction ends nobody else changes them, and who would make
    /// one of those that are not there gives way. What is not there is left out; the order is any.
    ///
    /// # Errors
    /// [`Failure`] when there is no such table, no row can have one of these keys, it holds something unexpected, or the storage does not answer.
    pub async fn read_rows(
        &mut self,
        table: &Table,
        keys: &[Values],
    ) -> Result<Vec<Values>, Failure> {
        check_keys(table, keys)?;
        Ok(self.ops.read_rows(table, keys).await?)
    }

    /// Changes rows, each of which was read in this transaction.
    ///
    /// # Errors
    /// [`Failure`] when the table cannot hold one of them, or the storage does not answer.
    pub async fn change_rows(
        &mut self,
        table: &Table,
        changes: &RowChanges,
    ) -> Result<(), Failure> {
        check_rows(table, &changes.created)?;
        check_rows(table, &changes.changed)?;
        Ok(self.ops.change_rows(table, changes).await?)
    }

    /// The backend's own connection, when it is a `C`. The extension traits of the backends' crates call this.
    pub fn connection<C: Any>(&mut self) -> Option<&mut C> {
        self.ops.connection().downcast_mut()
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

/// What a backend offers inside its transaction.
#[async_trait]
pub trait TxOps: Send {
    /// Writes a document.
    async fn put_document(
        &mut self,
        collection: &str,
        key: &str,
        value: Payload,
    ) -> Result<(), BackendError>;
    /// Reads a document.
    async fn get_document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError>;
    /// Removes a document.
    async fn delete_document(&mut self, collection: &str, key: &str) -> Result<(), BackendError>;
    /// Reads rows by their keys, as [`Tx::read_rows`].
    ///
    /// - *one-transaction*: two transactions that read and change one row do so one after the other, whether or not it is
    ///   there yet. The later one sees what the earlier one made of it, or is run again.
    async fn read_rows(
        &mut self,
        table: &Table,
        keys: &[Values],
    ) -> Result<Vec<Values>, BackendError>;
    /// Changes rows that were read in this transaction: first those that go, then those that are changed, then new ones.
    /// Each was looked at by [`check_rows`] already.
    async fn change_rows(
        &mut self,
        table: &Table,
        changes: &RowChanges,
    ) -> Result<(), BackendError>;
    /// The connection, for code that knows which backend it runs on.
    fn connection(&mut self) -> &mut dyn Any;
}

/// Work to do inside the transaction that acknowledges. It may be run more than once before the transaction commits,
/// and before the transaction begins ([`Rehearsals`](super::Rehearsals)): then everything it writes is stored in it all the same.
#[async_trait]
pub trait SyncAction: fmt::Debug + Send + Sync {
    /// Does it.
    ///
    /// # Errors
    /// A [`Failure`] rolls the whole transaction back.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure>;
}
