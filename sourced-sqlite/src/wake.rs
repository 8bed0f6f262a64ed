//! Wake-ups: by the writer for what this process commits, by looking at the file for what others do.

use std::time::Duration;

use sourced::backend::{BackendError, Signal, Wake};
use sqlx::{Row as _, SqliteConnection};

use crate::backend::Sqlite;
use crate::error;

/// How often the writer looks for commits of other processes.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Wake for Sqlite {
    fn signal(&self) -> Signal {
        self.inner.signal.clone()
    }
}

/// A number that changes when *another* connection has committed.
///
/// So it is asked of the connection that writes: of a reader it would change with our own commits, too.
pub(crate) async fn data_version(connection: &mut SqliteConnection) -> Result<i64, BackendError> {
    let row = sqlx::query("PRAGMA data_version").fetch_one(connection);
    let row = row.await.map_err(error::backend)?;
    row.try_get(0).map_err(error::backend)
}
