//! `SqliteReader`: a file that is only read.

use std::fmt;
use std::sync::Arc;

use sourced::backend::{BackendError, Signal, Wake};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;

use crate::error;
use crate::file::File;
use crate::sql::Statements;

/// A file opened for reading, by [`Sqlite::open_read_only`](crate::Sqlite::open_read_only): for a
/// [`Reader`](sourced::Reader). Clones share its connections.
///
/// Nothing tells it of what others write, so a feed that waits for more finds it when it looks again.
#[derive(Clone)]
pub struct SqliteReader {
    inner: Arc<Inner>,
}

struct Inner {
    readers: SqlitePool,
    sql: Statements,
    signal: Signal,
    file: Arc<File>,
}

impl SqliteReader {
    pub(crate) fn new(readers: SqlitePool, sql: Statements, file: Arc<File>) -> Self {
        Self {
            inner: Arc::new(Inner {
                readers,
                sql,
                signal: Signal::new(),
                file,
            }),
        }
    }

    pub(crate) fn sql(&self) -> &Statements {
        &self.inner.sql
    }

    pub(crate) fn file(&self) -> &File {
        &self.inner.file
    }

    pub(crate) async fn reader(&self) -> Result<PoolConnection<sqlx::Sqlite>, BackendError> {
        self.inner.file.look()?;
        self.inner.readers.acquire().await.map_err(error::backend)
    }
}

impl Wake for SqliteReader {
    fn signal(&self) -> Signal {
        self.inner.signal.clone()
    }
}

impl fmt::Debug for SqliteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteReader")
            .field("path", &self.file().path())
            .finish_non_exhaustive()
    }
}
