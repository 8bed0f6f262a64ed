//! Units in a transaction that the caller has begun.

use std::any::Any;
use std::path::Path;

use async_trait::async_trait;
use sourced::backend::{
    Appended, BackendError, JoinError, Joined, Live, ReadStream, Snapshot, UnitCommit, UnitError,
};
use sourced::message::{Payload, StoredMessage};
use sourced::{GroupId, StreamId};
use sqlx::{Connection as _, Row as _, SqliteConnection, Transaction};

use crate::backend::Sqlite;
use crate::savepoint::Savepoint;
use crate::{documents, error, log, snapshots, units, versions};

pub(crate) struct JoinedTransaction<'t> {
    sqlite: Sqlite,
    connection: &'t mut SqliteConnection,
}

impl<'t> JoinedTransaction<'t> {
    /// Takes a connection, if it is in a transaction on the same file that has the write lock, or gets it now.
    pub(crate) async fn check(
        sqlite: &Sqlite,
        connection: &'t mut (dyn Any + Send),
    ) -> Result<Self, JoinError> {
        let connection = downcast(connection).ok_or(JoinError::OtherKind("`SqliteConnection`"))?;
        if !connection.is_in_transaction() {
            return Err(JoinError::NoTransaction);
        }
        if !is_on(connection, sqlite.path()).await? {
            return Err(JoinError::OtherDatabase);
        }
        // Changes nothing, but takes the write lock: from here on nobody else writes, and everything read stays true.
        sqlx::query(sqlite.inner.sql.lock.clone())
            .execute(&mut *connection)
            .await
            .map_err(error::backend)
            .map_err(not_writing)?;
        Ok(Self {
            sqlite: sqlite.clone(),
            connection,
        })
    }
}

/// What a pool and what a connection give: only the first has a lifetime that `Any` can tell.
fn downcast(connection: &mut (dyn Any + Send)) -> Option<&mut SqliteConnection> {
    if connection.is::<SqliteConnection>() {
        return connection.downcast_mut();
    }
    let transaction: &mut Transaction<'static, sqlx::Sqlite> = connection.downcast_mut()?;
    Some(&mut **transaction)
}

/// Whether the connection has this file open, by whichever name.
async fn is_on(connection: &mut SqliteConnection, path: &Path) -> Result<bool, BackendError> {
    let main = sqlx::query("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(connection)
        .await
        .map_err(error::backend)?;
    let file: String = main.try_get(0).map_err(error::backend)?;
    let (Ok(theirs), Ok(ours)) = (Path::new(&file).canonicalize(), path.canonicalize()) else {
        return Ok(false);
    };
    Ok(theirs == ours)
}

fn not_writing(error: BackendError) -> JoinError {
    if !error::is_busy(&error) && !error::is_read_only(&error) {
        return error.into();
    }
    let text = format!("{error}; begin it with `BEGIN IMMEDIATE`");
    JoinError::NotWriting(text.into())
}

#[async_trait]
impl Joined for JoinedTransaction<'_> {
    async fn read_stream(&mut self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        let query = log::reading(&self.sqlite.inner.sql, &read);
        log::messages(self.connection, query).await
    }

    async fn base(
        &mut self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let base = &self.sqlite.inner.sql.base;
        snapshots::read(self.connection, base, actor, stream).await
    }

    async fn document(
        &mut self,
        collection: &str,
        key: &str,
    ) -> Result<Option<Payload>, BackendError> {
        documents::document(self.connection, &self.sqlite.inner.sql, collection, key).await
    }

    async fn live(&mut self, table: &str) -> Result<Option<Live>, BackendError> {
        versions::live(self.connection, &self.sqlite.inner.sql, table).await
    }

    async fn store_unit(&mut self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        units::check(&unit)?;
        let savepoint = Savepoint::make(self.connection).await;
        let mut savepoint = savepoint.map_err(error::backend)?;
        let appended = units::commit(&mut savepoint, &self.sqlite.inner.sql, &unit).await?;
        savepoint.keep();
        Ok(appended)
    }
}
