//! The transaction that acknowledges, as sync actions see it.

use std::any::Any;
use std::fmt;

use async_trait::async_trait;
use sourced::Failure;
use sourced::backend::{BackendError, DocumentWrites, RowChanges, Table, Tx, TxOps, Values};
use sourced::message::Payload;
use sqlx::SqliteConnection;

use crate::sql::Statements;
use crate::{documents, error, rows};

/// SQL of your own inside the transaction that acknowledges.
///
/// ```
/// use async_trait::async_trait;
/// use sourced::Failure;
/// use sourced::backend::{SyncAction, Tx};
/// use sourced_sqlite::SqliteTx as _;
///
/// #[derive(Debug)]
/// struct CountOrder;
///
/// #[async_trait]
/// impl SyncAction for CountOrder {
///     async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
///         sqlx::query("UPDATE totals SET orders = orders + 1").execute(tx.sqlite()?).await?;
///         Ok(())
///     }
/// }
/// ```
pub trait SqliteTx {
    /// The connection whose transaction acknowledges.
    ///
    /// Everything this process writes waits while a sync action runs, so it should be quick and wait for nothing else. What it
    /// asks its app to write, such as a dispatch, is refused: that would wait for the sync action, and so for ever. A task that
    /// it spawns must not be waited for either.
    /// It may open a transaction of its own with `begin`, which is a savepoint here, but must not run `COMMIT` or
    /// `ROLLBACK` as SQL: that ends the transaction of everybody in the batch, and all of them fail.
    ///
    /// In a unit that joins a transaction of the caller's ([`Unit::handle_in`](sourced::Unit::handle_in)) it should run
    /// `SAVEPOINT` as SQL instead: when the caller gives the unit up while sqlx's `begin` begins, sqlx takes the caller's
    /// transaction for that of `begin`, and rolls it back without a word.
    ///
    /// # Errors
    /// [`Failure`] when the backend is not [`Sqlite`](crate::Sqlite).
    fn sqlite(&mut self) -> Result<&mut SqliteConnection, Failure>;
}

impl SqliteTx for Tx<'_> {
    fn sqlite(&mut self) -> Result<&mut SqliteConnection, Failure> {
        self.connection()
            .ok_or_else(|| Failure::msg("this transaction is not one of `sourced_sqlite::Sqlite`"))
    }
}

/// The operations of [`Tx`] on the writing connection.
pub(crate) struct SavepointTx<'c> {
    pub(crate) connection: &'c mut SqliteConnection,
    pub(crate) sql: &'c Statements,
}

impl fmt::Debug for SavepointTx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavepointTx").finish_non_exhaustive()
    }
}

/// Writes documents that are known beforehand.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    sql: &Statements,
    writes: &DocumentWrites,
) -> Result<(), BackendError> {
    let mut ops = SavepointTx { connection, sql };
    for ((collection, key), value) in writes {
        match value {
            Some(value) => ops.put_document(collection, key, value.clone()).await?,
            None => ops.delete_document(collection, key).await?,
        }
    }
    Ok(())
}

#[async_trait]
impl TxOps for SavepointTx<'_> {
    async fn put_document(
        &mut self,
        collection: &str,
        key: &str,
        value: Payload,
    ) -> Result<(), BackendError> {
        let put = sqlx::query(self.sql.put_document.clone())
            .bind(collection)
            .bind(key)
            .bind(value.as_str());
        let done = put.execute(&mut *self.connection).await;
        done.map(drop).map_err(error::backend)
    }

    async fn get_document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError> {
        documents::document(self.connection, self.sql, collection, key).await
    }

    async fn delete_document(&mut self, collection: &str, key: &str) -> Result<(), BackendError> {
        let delete = sqlx::query(self.sql.delete_document.clone())
            .bind(collection)
            .bind(key);
        let done = delete.execute(&mut *self.connection).await;
        done.map(drop).map_err(error::backend)
    }

    async fn read_rows(
        &mut self,
        table: &Table,
        keys: &[Values],
    ) -> Result<Vec<Values>, BackendError> {
        rows::read_rows(self.connection, self.sql, table, keys).await
    }

    async fn change_rows(
        &mut self,
        table: &Table,
        changes: &RowChanges,
    ) -> Result<(), BackendError> {
        rows::change_rows(self.connection, self.sql, table, changes).await
    }

    fn connection(&mut self) -> &mut dyn Any {
        self.connection
    }
}
