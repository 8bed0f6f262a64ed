//! Connections of the pool, which go back to it only when what was done with them has come to its end.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

use crate::connections::Connections;
use crate::error::SqlError;

/// A connection from the pool.
///
/// Who is cancelled while a transaction begins leaves it open without anybody's knowing: the driver counts it only when the
/// answer has come. The next one to have the connection would write into that transaction, and nothing of it would be
/// stored. So a connection that is not at rest when it is dropped is closed.
pub(crate) struct Lent {
    connection: PoolConnection<Postgres>,
    is_at_rest: bool,
}

impl Lent {
    pub(crate) fn new(connection: PoolConnection<Postgres>) -> Self {
        Self {
            connection,
            is_at_rest: true,
        }
    }

    /// What was begun has ended, well or not. It does not go back to the pool where it would be of no use there.
    pub(crate) fn rests<T>(&mut self, connections: &Connections, tried: &Result<T, impl Told>) {
        let told = tried.as_ref().err().and_then(Told::sql);
        self.is_at_rest = !told.is_some_and(|told| connections.is_spent(told));
    }
}

/// An error that may be what the database, or the driver, has told.
pub(crate) trait Told {
    fn sql(&self) -> Option<&SqlError>;
}

impl Told for SqlError {
    fn sql(&self) -> Option<&SqlError> {
        Some(self)
    }
}

impl Deref for Lent {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.is_at_rest = false;
        &mut self.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_at_rest {
            self.connection.close_on_drop();
        }
    }
}
