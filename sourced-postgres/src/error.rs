//! Errors: the only place that reads the codes of the database.

use std::error::Error as StdError;
use std::time::Duration;

use sourced::backend::{AckError, BackendError};
use sourced::{Failure, FailureError};
use sqlx::postgres::PgDatabaseError;
use sqlx::types::Uuid;

use crate::migrate::SCHEMA_VERSION;

/// What the database answered. It never holds values of a row: neither its text nor its `Debug` shows payloads.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}{}", code.as_deref().map_or(String::new(), |code| format!(" (SQLSTATE {code})")))]
pub struct SqlError {
    code: Option<String>,
    message: String,
    constraint: Option<String>,
    /// Only of errors raised by our own functions: those of the database quote values.
    detail: Option<String>,
    corrupt: bool,
    lost: bool,
    timed_out: bool,
}

/// The name of a schema that cannot be used: it must be ASCII letters, digits and `_`, 48 at most, no digit first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be the name of a schema: it must be ASCII letters, digits and `_`, 48 at most, and not start with a digit"
)]
pub struct InvalidSchemaName(pub(crate) String);

/// A migration that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMigration {
    /// The name cannot be that of a schema.
    #[error(transparent)]
    Name(#[from] InvalidSchemaName),
    /// This crate knows of no way from one version to the other.
    #[error(
        "there is no migration from version {from} to {to}: versions go up, from 0 to {SCHEMA_VERSION}"
    )]
    Versions {
        /// From where.
        from: i64,
        /// To where.
        to: i64,
    },
}

impl SqlError {
    /// The five characters by which SQL names its errors, when the database itself answered.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(crate) fn corrupt(message: &str) -> Self {
        Self {
            code: None,
            message: message.to_owned(),
            constraint: None,
            detail: None,
            corrupt: true,
            lost: false,
            timed_out: false,
        }
    }

    /// The server cannot be reached, or not used.
    pub(crate) fn away(message: &str) -> Self {
        Self {
            corrupt: false,
            ..Self::corrupt(message)
        }
    }

    /// It has not answered in time.
    pub(crate) fn no_answer(limit: Duration) -> Self {
        Self {
            timed_out: true,
            ..Self::away(&format!("the server has not answered for {limit:?}"))
        }
    }

    /// It answers, and takes no writes.
    pub(crate) fn read_only() -> Self {
        Self::with_code(READ_ONLY, "the server takes no writes: it is read only")
    }

    /// Two transactions met, and this one has to be done again.
    pub(crate) fn overtaken(message: &str) -> Self {
        Self::with_code("40001", message)
    }

    /// What the database would refuse.
    pub(crate) fn refused(message: &str) -> Self {
        Self::with_code("22008", message)
    }

    fn with_code(code: &str, message: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..Self::away(message)
        }
    }

    /// The detail of a conflict raised by our `append`.
    pub(crate) fn conflict(&self) -> Option<&str> {
        (self.code() == Some("SRC01")).then_some(self.detail.as_deref().unwrap_or_default())
    }

    /// The id that our `schedule` found in another stream.
    pub(crate) fn taken(&self) -> Option<Uuid> {
        let detail = self
            .detail
            .as_deref()
            .filter(|_| self.code() == Some("SRC04"));
        detail.and_then(|id| Uuid::parse_str(id).ok())
    }

    /// Whether some of the messages may be stored already.
    pub(crate) fn is_stored_already(&self) -> bool {
        match self.code() {
            Some("SRC02") => true,
            Some("23505") => self.constraint.as_deref() == Some("messages_id"),
            _ => false,
        }
    }

    /// Whether our `ack` found another holder.
    pub(crate) fn is_fenced(&self) -> bool {
        self.code() == Some("SRC03")
    }

    /// Whether our `reset_group` was asked for a stream of a group in global order.
    pub(crate) fn has_no_such_lane(&self) -> bool {
        self.code() == Some("SRC05")
    }

    /// Whether the connection is gone, so that nobody knows what became of the statement.
    pub(crate) fn is_connection_lost(&self) -> bool {
        self.lost || matches!(self.code(), Some("57P01" | "57P02" | "57P05" | IDLED))
    }

    /// Whether nobody knows what became of the statement.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.timed_out || self.is_connection_lost()
    }

    /// Whether the server, or the session, takes no writes.
    pub(crate) fn is_read_only(&self) -> bool {
        self.code() == Some(READ_ONLY)
    }

    /// Whether the database asks for the same transaction once more.
    pub(crate) fn is_deadlock(&self) -> bool {
        matches!(self.code(), Some("40P01" | "40001"))
    }

    /// Whether the session was ended because a transaction did nothing for too long.
    pub(crate) fn has_idled(&self) -> bool {
        self.code() == Some(IDLED)
    }

    /// Whether the database gave up waiting for the statement, or the statement for a lock.
    fn is_slow(&self) -> bool {
        matches!(self.code(), Some("57014" | "55P03"))
    }

    fn is_transient(&self) -> bool {
        let Some(code) = self.code() else {
            return !self.corrupt && self.constraint.is_none();
        };
        self.is_connection_lost()
            || self.is_deadlock()
            || matches!(code, "57P03" | "57014" | "55P03" | READ_ONLY)
            || code.starts_with("08")
            || code.starts_with("53")
    }
}

impl From<sqlx::Error> for SqlError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&sqlx::Error> for SqlError {
    fn from(error: &sqlx::Error) -> Self {
        let mut answer = Self {
            code: None,
            message: error.to_string(),
            constraint: None,
            detail: None,
            corrupt: false,
            lost: false,
            timed_out: false,
        };
        match error {
            sqlx::Error::Database(error) => {
                error.message().clone_into(&mut answer.message);
                answer.code = error.code().map(Into::into);
                answer.constraint = error.constraint().map(Into::into);
                let ours = answer.code().is_some_and(|code| code.starts_with("SRC"));
                if let (true, Some(error)) = (ours, error.try_downcast_ref::<PgDatabaseError>()) {
                    answer.detail = error.detail().map(Into::into);
                }
            }
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => answer.lost = true,
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_) => {}
            // Ours and the user's mistakes: a wrong URL, a value that cannot be encoded.
            sqlx::Error::Configuration(_)
            | sqlx::Error::InvalidArgument(_)
            | sqlx::Error::Encode(_) => {
                answer.code = Some("22000".to_owned());
            }
            _ => answer.corrupt = true,
        }
        answer
    }
}

impl From<SqlError> for BackendError {
    fn from(error: SqlError) -> Self {
        match error.code() {
            _ if error.corrupt => Self::Corrupt(error.message),
            Some("XX001" | "XX002") => Self::Corrupt(error.to_string()),
            Some("3F000" | "42P01" | "42883") => Self::Schema {
                found: 0,
                known: SCHEMA_VERSION,
            },
            _ if error.is_transient() => Self::Unavailable(Box::new(error)),
            _ => Self::Refused(Box::new(error)),
        }
    }
}

/// For statements that are sent once.
pub(crate) fn backend_error(error: sqlx::Error) -> BackendError {
    SqlError::from(error).into()
}

/// The code of a write where there can be none: after a failover, what was the right server is not any more.
const READ_ONLY: &str = "25006";

/// The code of `idle_in_transaction_session_timeout`.
const IDLED: &str = "25P03";

/// A sync action that waited for something else than the database. It may do so each time, so it is its own failure.
#[derive(Debug, thiserror::Error)]
#[error(
    "a sync action did nothing in its transaction for so long that the database ended the session, after 60 seconds by \
     default: let it do what is slow before the transaction, or after it"
)]
pub(crate) struct LeftIdle(#[source] pub(crate) FailureError);

/// What can be done about the answer of the database inside a failure of user code.
pub(crate) fn in_failure(failure: &Failure) -> Option<SqlErrorKind> {
    let mut next: Option<&(dyn StdError + 'static)> = Some(failure.source());
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<SqlError>() {
            return SqlErrorKind::of(error).filter(|_| !error.has_idled());
        }
        if let Some(sqlx::Error::Database(error)) = error.downcast_ref::<sqlx::Error>() {
            return matches!(error.code().as_deref(), Some("40P01" | "40001"))
                .then_some(SqlErrorKind::Deadlock);
        }
        next = error.source();
    }
    None
}

/// What an acknowledgement whose sync action failed comes to, also where that ran SQL of its own. A statement that took
/// too long, or waited too long for a lock, is the action's own failure: it may do so each time.
pub(crate) fn of_sync(failure: Failure) -> AckError {
    let answer: Option<SqlError> = failure.find().cloned();
    let answer = answer.or_else(|| failure.find().map(|error: &sqlx::Error| error.into()));
    match answer {
        Some(error) if error.has_idled() => AckError::Sync(LeftIdle(failure.into_error()).into()),
        Some(error) if error.is_slow() => AckError::Sync(failure),
        Some(error) if error.is_transient() => BackendError::of_outage(failure).into(),
        _ => AckError::of_sync(failure),
    }
}

/// What can be done about an error by doing the same again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqlErrorKind {
    /// Nothing was done: do it again.
    Deadlock,
    /// Nobody knows what was done.
    ConnectionLost,
}

impl SqlErrorKind {
    pub(crate) fn of(error: &SqlError) -> Option<Self> {
        if error.is_deadlock() {
            Some(Self::Deadlock)
        } else if error.is_connection_lost() {
            Some(Self::ConnectionLost)
        } else {
            None
        }
    }
}
