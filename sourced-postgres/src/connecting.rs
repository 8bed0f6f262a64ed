//! Connections at work: each statement for itself, or behind a pooler all of a step in one transaction.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sourced::env::{Clock as _, SystemClock};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _, PgConnection, Postgres, Transaction};

use crate::error::SqlError;
use crate::sql::Preparing;

/// What a connection of this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sessions {
    /// One to the server, as long as it lasts: what is set and prepared on it stays.
    Own,
    /// One to a pooler, which lends a connection to the server for each transaction.
    Pooled,
}

/// What the connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Full,
    ReadOnly,
}

/// How connections are made ready.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connecting {
    pub(crate) sessions: Sessions,
    pub(crate) access: Access,
}

impl Connecting {
    pub(crate) fn preparing(self) -> Preparing {
        match self.sessions {
            Sessions::Own => Preparing::Kept,
            Sessions::Pooled => Preparing::Unnamed,
        }
    }

    pub(crate) fn options(self, options: PgConnectOptions) -> PgConnectOptions {
        let options = options.application_name("sourced");
        match self.sessions {
            Sessions::Own => options.statement_cache_capacity(256),
            // A pooler may refuse what it does not know at the start of a session. Our statements give their floats in
            // binary.
            Sessions::Pooled => options.statement_cache_capacity(0).extra_float_digits(None),
        }
    }

    /// Makes a new connection ready.
    pub(crate) async fn set_up(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.sessions == Sessions::Pooled {
            return Ok(());
        }
        connection.execute(SESSION).await?;
        if self.access == Access::ReadOnly {
            connection.execute(READ_ONLY).await?;
        }
        Ok(())
    }

    /// Begins a step: what is done until [`Step::done`].
    pub(crate) async fn step(self, connection: &mut PgConnection) -> Result<Step<'_>, sqlx::Error> {
        let begin = match (self.sessions, self.access) {
            (Sessions::Own, _) => return Ok(Step::Statements(connection)),
            (Sessions::Pooled, Access::Full) => BEGIN,
            (Sessions::Pooled, Access::ReadOnly) => BEGIN_READ_ONLY,
        };
        Ok(Step::Transaction(connection.begin_with(begin).await?))
    }
}

/// A connection during one step.
pub(crate) enum Step<'c> {
    Statements(&'c mut PgConnection),
    /// The server that answers to the first statement of a transaction answers to all.
    Transaction(Transaction<'c, Postgres>),
}

impl Step<'_> {
    /// What was not done is undone, if it was more than statements that stand for themselves.
    pub(crate) async fn done(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Statements(_) => Ok(()),
            Self::Transaction(transaction) => transaction.commit().await,
        }
    }
}

impl Deref for Step<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Statements(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl DerefMut for Step<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Statements(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

/// What every session must be like, whatever the defaults of the database are.
///
/// The horizon needs a new snapshot for each statement; what is acknowledged must be on disk; and a process that was
/// stopped in the middle of a transaction, or whose machine is gone without a word, must not hold its locks for ever.
const SESSION: &str = "
    SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SET idle_in_transaction_session_timeout = '60s';
    SET tcp_keepalives_idle = 60;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 6;
";

/// What besides a session is like that only reads.
const READ_ONLY: &str = "SET default_transaction_read_only = on";

/// The same for one transaction, in one round trip.
const BEGIN: &str = "
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';
    SET LOCAL idle_in_transaction_session_timeout = '60s';
";

const BEGIN_READ_ONLY: &str = "
    BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
    SET LOCAL idle_in_transaction_session_timeout = '60s';
";

/// How long the operations of a person may take, and what runs code of the program: all that goes through the whole log, or
/// makes and empties tables.
pub(crate) const LONG: Duration = Duration::from_hours(1);

/// Does something with the server, which has to answer in time: otherwise nobody knows what became of it.
pub(crate) async fn within<T, E: From<SqlError>>(
    limit: Duration,
    doing: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::select! {
        biased;
        done = doing => done,
        () = SystemClock.sleep(limit) => Err(SqlError::no_answer(limit).into()),
    }
}

/// Does something in a step, which is done when it succeeds: within the limit of statements, or one of its own.
macro_rules! in_step {
    ($postgres:expr, $held:expr, $limit:expr; $connection:ident => $attempt:expr) => {
        $crate::connecting::within($limit, async {
            match $postgres.inner.connecting.step($held).await {
                Err(error) => Err(error.into()),
                Ok(mut $connection) => {
                    let result = $attempt;
                    match result {
                        Ok(value) => match $connection.done().await {
                            Ok(()) => Ok(value),
                            Err(error) => Err(error.into()),
                        },
                        Err(error) => Err(error.into()),
                    }
                }
            }
        })
        .await
    };
    ($postgres:expr, $held:expr, $connection:ident => $attempt:expr) => {
        $crate::connecting::in_step!($postgres, $held, $postgres.inner.answer_within; $connection => $attempt)
    };
}
pub(crate) use in_step;
