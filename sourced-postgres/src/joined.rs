//! Units in a transaction that the caller has begun.

use std::any::Any;

use async_trait::async_trait;
use sourced::backend::{
    Appended, BackendError, JoinError, Joined, Live, ReadStream, Snapshot, UnitCommit, UnitError,
};
use sourced::message::{Payload, StoredMessage};
use sourced::{GroupId, StreamId};
use sqlx::{Connection as _, PgConnection, Transaction};

use crate::backend::Postgres;
use crate::error::backend_error;
use crate::row::{get, messages_of};
use crate::{documents, snapshots, versions};

pub(crate) struct JoinedTransaction<'t> {
    postgres: Postgres,
    connection: &'t mut PgConnection,
}

impl<'t> JoinedTransaction<'t> {
    /// Takes a connection, if it is in a transaction that keeps what this backend relies on.
    pub(crate) async fn check(
        postgres: &Postgres,
        connection: &'t mut (dyn Any + Send),
    ) -> Result<Self, JoinError> {
        let connection = downcast(connection).ok_or(JoinError::OtherKind("`PgConnection`"))?;
        if !connection.is_in_transaction() {
            return Err(JoinError::NoTransaction);
        }
        let row = postgres
            .inner
            .sql
            .join
            .query()
            .fetch_one(&mut *connection)
            .await
            .map_err(backend_error)?;
        if !get::<bool>(&row, "is_here")? {
            return Err(JoinError::OtherDatabase);
        }
        // Every statement needs a new snapshot: one that looks whether a lane is quiet must see what was committed
        // before its streams were locked.
        let isolation: String = get(&row, "isolation")?;
        if !matches!(&isolation[..], "read committed" | "read uncommitted") {
            return Err(JoinError::Isolation {
                found: isolation,
                wanted: "read committed",
            });
        }
        if get(&row, "is_read_only")? {
            return Err(JoinError::NotWriting("it is read only".into()));
        }
        if get(&row, "is_given_up")? {
            return Err(JoinError::GivenUp);
        }
        Ok(Self {
            postgres: postgres.clone(),
            connection,
        })
    }
}

/// What a pool and what a connection give: only the first has a lifetime that `Any` can tell.
fn downcast(connection: &mut (dyn Any + Send)) -> Option<&mut PgConnection> {
    if connection.is::<PgConnection>() {
        return connection.downcast_mut();
    }
    let transaction: &mut Transaction<'static, sqlx::Postgres> = connection.downcast_mut()?;
    Some(&mut **transaction)
}

#[async_trait]
impl Joined for JoinedTransaction<'_> {
    async fn read_stream(&mut self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        let rows = self.postgres.read_once(self.connection, &read).await;
        messages_of(&read.stream, &rows.map_err(backend_error)?)
    }

    async fn base(
        &mut self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let base = &self.postgres.inner.sql.base;
        let found = snapshots::find(base, self.connection, actor, stream).await?;
        found.map(snapshots::read).transpose()
    }

    async fn document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError> {
        let sql = &self.postgres.inner.sql;
        let value = documents::find(sql, self.connection, collection, key).await?;
        Ok(value.map(Payload::from_storage))
    }

    async fn live(&mut self, table: &str) -> Result<Option<Live>, BackendError> {
        let sql = &self.postgres.inner.sql;
        let row = versions::find(sql, self.connection, table).await?;
        row.as_ref().map(versions::read).transpose()
    }

    async fn store_unit(&mut self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        let caller = Some(&mut *self.connection);
        self.postgres.store_retrying(unit, caller).await
    }
}
