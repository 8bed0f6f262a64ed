//! The transaction that acknowledges, as projections see it.

use std::any::Any;
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{BackendError, RowChanges, Table, Tx, TxOps, Values};
use sourced::{Failure, Payload};
use sqlx::PgConnection;

use crate::backend::Postgres;
use crate::connecting::within;
use crate::error::{SqlError, backend_error};
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
    pub(crate) answer_within: Duration,
}

impl Postgres {
    pub(crate) fn operations<'c>(&'c self, connection: &'c mut PgConnection) -> Operations<'c> {
        Operations {
            connection,
            sql: &self.inner.sql,
            answer_within: self.inner.answer_within,
        }
    }
}

impl Operations<'_> {
    /// The id of the transaction, if it has one.
    pub(crate) async fn xid(&mut self) -> Result<Option<String>, SqlError> {
        let query = self.sql.xid_if_assigned.query_scalar();
        within(self.answer_within, async {
            Ok(query.fetch_one(&mut *self.connection).await?)
        })
        .await
    }
}

#[async_trait]
impl TxOps for Operations<'_> {
    async fn put_document(
        &mut self,
        collection: &str,
        key: &str,
        value: Payload,
    ) -> Result<(), BackendError> {
        let query = self.sql.put_document.query();
        let query = query.bind(collection).bind(key).bind(value.as_str());
        within(self.answer_within, async {
            let put = query.execute(&mut *self.connection).await;
            put.map(drop).map_err(backend_error)
        })
        .await
    }

    async fn get_document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError> {
        let query = self.sql.get_document_to_change.query_scalar();
        let query = query.bind(collection).bind(key);
        within(self.answer_within, async {
            let value: Option<String> = query
                .fetch_one(&mut *self.connection)
                .await
                .map_err(backend_error)?;
            Ok(value.map(Payload::from_storage))
        })
        .await
    }

    async fn delete_document(&mut self, collection: &str, key: &str) -> Result<(), BackendError> {
        let query = self.sql.delete_document.query();
        let query = query.bind(collection).bind(key);
        within(self.answer_within, async {
            let deleted = query.execute(&mut *self.connection).await;
            deleted.map(drop).map_err(backend_error)
        })
        .await
    }

    async fn read_rows(
        &mut self,
        table: &Table,
        keys: &[Values],
    ) -> Result<Vec<Values>, BackendError> {
        let reading = rows::read_rows(self.connection, self.sql, table, keys);
        within(self.answer_within, reading).await
    }

    async fn change_rows(
        &mut self,
        table: &Table,
        changes: &RowChanges,
    ) -> Result<(), BackendError> {
        let changing = rows::change_rows(self.connection, self.sql, table, changes);
        within(self.answer_within, changing).await
    }

    fn connection(&mut self) -> &mut dyn Any {
        &mut *self.connection
    }
}
