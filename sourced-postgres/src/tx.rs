//! The transaction that acknowledges, as projections see it.

use std::any::Any;

use async_trait::async_trait;
use sourced::backend::{BackendError, RowChanges, Table, Tx, TxOps, Values};
use sourced::{Failure, Payload};
use sqlx::PgConnection;

use crate::error::backend_error;
use crate::rows;
use crate::sql::Sql;

/// SQL of your own in the transaction that acknowledges.
///
/// ```no_run
/// use sourced::Failure;
/// use sourced::backend::Tx;
/// use sourced_postgres::PostgresTx as _;
///
/// async fn count_order(tx: &mut Tx<'_>) -> Result<(), Failure> {
///     sqlx::query("UPDATE totals SET orders = orders + 1")
///         .execute(tx.postgres()?)
///         .await?;
///     Ok(())
/// }
/// ```
pub trait PostgresTx {
    /// The connection of the transaction.
    ///
    /// Ending the transaction, or going on after an error of the database, makes the acknowledgement fail.
    ///
    /// In a unit that joins a transaction of the caller's ([`Unit::handle_in`](sourced::Unit::handle_in)) a savepoint should
    /// be made by SQL and not by sqlx's `begin`: when the caller gives the unit up while that begins, sqlx takes the caller's
    /// transaction for that of `begin`, and rolls it back without a word.
    ///
    /// # Errors
    /// [`Failure`] when the backend is not [`Postgres`](crate::Postgres).
    fn postgres(&mut self) -> Result<&mut PgConnection, Failure>;
}

impl PostgresTx for Tx<'_> {
    fn postgres(&mut self) -> Result<&mut PgConnection, Failure> {
        self.connection()
            .ok_or_else(|| Failure::msg("the backend is not PostgreSQL"))
    }
}

/// The operations of one open transaction.
pub(crate) struct Operations<'c> {
    pub(crate) connection: &'c mut PgConnection,
    pub(crate) sql: &'c Sql,
}

#[async_trait]
impl TxOps for Operations<'_> {
    async fn put_document(
        &mut self,
        collection: &str,
        key: &str,
        value: Payload,
    ) -> Result<(), BackendError> {
        self.sql
            .put_document
            .query()
            .bind(collection)
            .bind(key)
            .bind(value.as_str())
            .execute(&mut *self.connection)
            .await
            .map(drop)
            .map_err(backend_error)
    }

    async fn get_document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError> {
        let value: Option<String> = self
            .sql
            .get_document_to_change
            .query_scalar()
            .bind(collection)
            .bind(key)
            .fetch_one(&mut *self.connection)
            .await
            .map_err(backend_error)?;
        Ok(value.map(Payload::from_storage))
    }

    async fn delete_document(&mut self, collection: &str, key: &str) -> Result<(), BackendError> {
        self.sql
            .delete_document
            .query()
            .bind(collection)
            .bind(key)
            .execute(&mut *self.connection)
            .await
            .map(drop)
            .map_err(backend_error)
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
        &mut *self.connection
    }
}
