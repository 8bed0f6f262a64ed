//! What SQLite's result codes mean at the port. Nothing else looks at them.

use sourced::Failure;
use sourced::backend::{AckError, BackendError};
use sqlx::error::DatabaseError;

/// Primary result codes, <https://www.sqlite.org/rescode.html>.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const READONLY: i32 = 8;
    pub(super) const INTERRUPT: i32 = 9;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
    pub(super) const SCHEMA: i32 = 17;
    pub(super) const FORMAT: i32 = 24;
    pub(super) const NOTADB: i32 = 26;
}

/// An error of sqlx as the port tells it.
pub(crate) fn backend(error: sqlx::Error) -> BackendError {
    match &error {
        _ if is_outage(&error) => BackendError::Unavailable(Box::new(error)),
        sqlx::Error::Database(database) => match primary(database.as_ref()) {
            Some(code::CORRUPT | code::FORMAT | code::NOTADB) => {
                BackendError::Corrupt(error.to_string())
            }
            _ => BackendError::Refused(Box::new(error)),
        },
        // Only the column: the decoder's words may repeat what is stored.
        sqlx::Error::ColumnDecode { index, .. } => {
            BackendError::Corrupt(format!("column {index} has another type"))
        }
        sqlx::Error::Decode(_) => BackendError::Corrupt("a column has another type".to_owned()),
        _ => BackendError::Refused(Box::new(error)),
    }
}

/// What an acknowledgement whose sync action failed comes to, also where that ran SQL of its own.
pub(crate) fn of_sync(failure: Failure) -> AckError {
    match failure.find() {
        Some(error) if is_outage(error) => BackendError::of_outage(failure).into(),
        _ => AckError::of_sync(failure),
    }
}

/// Whether the same may go through later: somebody is in the way, the disk is full or takes no writes, nobody answers.
fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => matches!(
            primary(database.as_ref()),
            Some(
                code::BUSY
                    | code::LOCKED
                    | code::NOMEM
                    | code::READONLY
                    | code::INTERRUPT
                    | code::IOERR
                    | code::FULL
                    | code::CANTOPEN
                    | code::PROTOCOL
                    | code::SCHEMA
            )
        ),
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => true,
        _ => false,
    }
}

/// Whether somebody else was in the way, so that a second try may find them gone.
pub(crate) fn is_busy(error: &BackendError) -> bool {
    let BackendError::Unavailable(source) = error else {
        return false;
    };
    let Some(sqlx::Error::Database(database)) = source.downcast_ref() else {
        return false;
    };
    matches!(
        primary(database.as_ref()),
        Some(code::BUSY | code::LOCKED | code::PROTOCOL)
    )
}

/// Whether a row was to be stored twice.
pub(crate) fn is_unique_violation(error: &BackendError) -> bool {
    let BackendError::Refused(source) = error else {
        return false;
    };
    let error = source
        .downcast_ref()
        .and_then(sqlx::Error::as_database_error);
    error.is_some_and(DatabaseError::is_unique_violation)
}

/// Whether the connection may not write.
pub(crate) fn is_read_only(error: &BackendError) -> bool {
    let BackendError::Unavailable(source) = error else {
        return false;
    };
    let Some(sqlx::Error::Database(database)) = source.downcast_ref() else {
        return false;
    };
    primary(database.as_ref()) == Some(code::READONLY)
}

fn primary(error: &dyn DatabaseError) -> Option<i32> {
    let extended: i32 = error.code()?.parse().ok()?;
    Some(extended & 0xff)
}
