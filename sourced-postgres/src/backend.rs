//! `Postgres`: the backend, and how it connects.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{BackendError, Limits};
use sourced::env::{Clock as _, Random as _, SystemClock, SystemRandom};
use sqlx::PgConnection;
use sqlx::postgres::{PgConnectOptions, PgPool};

use crate::connecting::{Access, Connecting, Sessions};
use crate::connections::{Connections, Kept};
use crate::error::{SqlError, SqlErrorKind, backend_error};
use crate::group_commit::GroupCommit;
use crate::history::History;
use crate::lent::Lent;
use crate::migrate::{migrate, verify, verify_sequence};
use crate::read_ahead::ReadAhead;
use crate::reader::PostgresReader;
use crate::sql::{SchemaName, Sql, Writer};
use crate::together::Together;
use crate::wake::Hints;

/// The PostgreSQL backend. Cloning is cheap: all clones share one pool of connections.
///
/// Its background tasks, which carry wake-ups from process to process, end with the last clone.
#[derive(Clone)]
pub struct Postgres {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) sql: Sql,
    pub(crate) limits: Limits,
    pub(crate) hints: Hints,
    pub(crate) group_commit: GroupCommit,
    pub(crate) together: Together,
    pub(crate) ahead: ReadAhead,
    pub(crate) history: Arc<History>,
    pub(crate) connecting: Connecting,
    pub(crate) connections: Connections,
    /// The connection of the claims, which do not wait until those who handle and acknowledge leave one over. They plan
    /// much, too, which each connection does for itself.
    pub(crate) claiming: Kept,
    /// That of the renewals, for the same reason: a lease must not end while its handler waits for a connection.
    pub(crate) renewing: Kept,
    /// How long the server may take for a statement.
    pub(crate) answer_within: Duration,
    schema: SchemaName,
}

impl Postgres {
    /// Connects with the default settings, and sets the database up if need be.
    ///
    /// # Errors
    /// [`BackendError`] when the URL is wrong, the database does not answer, its schema was made by a newer version, or
    /// this role may not set it up; [`BackendError::Corrupt`] when the sequence of positions is behind the log, as it is
    /// after a logical replication.
    pub async fn connect(url: &str) -> Result<Self, BackendError> {
        Self::builder(url).connect().await
    }

    /// Starts with the default settings, to change some of them.
    pub fn builder(url: &str) -> PostgresBuilder {
        PostgresBuilder {
            url: url.to_owned(),
            schema: "sourced".to_owned(),
            pool_size: 10,
            connect_within: Duration::from_secs(10),
            answer_within: Duration::from_mins(1),
            sessions: Sessions::Own,
            listen: Listen::On,
            setup: Setup::Migrate,
        }
    }

    /// The pool of connections, for queries of your own.
    ///
    /// Writing to the tables of this backend breaks its promises.
    pub fn pool(&self) -> &PgPool {
        self.inner.connections.pool()
    }

    /// The name of the schema.
    pub fn schema(&self) -> &str {
        self.inner.schema.as_str()
    }

    /// A connection from the pool. After a lost one the others are tried first: they may have been lost together.
    pub(crate) async fn connection(&self, retry: &Retry) -> Result<Lent, SqlError> {
        self.inner.connections.lend(retry).await
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's own text would show the URL.
        f.debug_struct("Postgres")
            .field("schema", &self.schema())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`Postgres`] that is about to connect.
#[derive(Clone)]
#[must_use = "nothing connects until `connect` is called"]
pub struct PostgresBuilder {
    url: String,
    schema: String,
    pool_size: u32,
    connect_within: Duration,
    answer_within: Duration,
    sessions: Sessions,
    listen: Listen,
    setup: Setup,
}

#[derive(Clone)]
enum Listen {
    On,
    /// Over connections of their own to this URL.
    Over(String),
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setup {
    Migrate,
    Verify,
}

impl PostgresBuilder {
    /// The schema in which everything lies; `sourced` by default. It has at most 48 ASCII letters, digits and `_`, and
    /// does not start with a digit.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        name.into().clone_into(&mut self.schema);
        self
    }

    /// At most so many connections; 10 by default, 1 at least. Two more carry the wake-ups, one the claims of workers, and
    /// one the renewals of what they have claimed.
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// How long to wait for a connection: for one of the pool, or for a new one; 10 seconds by default. A server that
    /// refuses connections is tried again until then.
    pub fn connect_within(mut self, limit: Duration) -> Self {
        self.connect_within = limit;
        self
    }

    /// How long the server may take for a statement; a minute by default. What has no answer by then is an outage, of which
    /// nobody knows whether it was done, and its connection is closed.
    ///
    /// It is meant for a server that stands still, or a network that lets nothing through and says nothing; a statement that
    /// waits for a lock can meet it, too. Migrations have no limit; what goes through the whole log, or makes and empties
    /// tables, has an hour, and so have transactions with `#[sync]` methods, of which the library's own statements have this
    /// limit. Connections from [`Postgres::pool`] have none.
    #[doc(alias = "statement_timeout")]
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.answer_within = limit;
        self
    }

    /// The URL leads to a pooler that lends a connection to the server for each transaction, as `PgBouncer` with
    /// `pool_mode = transaction` does.
    ///
    /// Then every statement runs in a transaction, with the settings it needs, and none stays prepared: nothing is expected
    /// of a connection that an earlier transaction left there. That costs round trips, two or three more for each step, and
    /// planning; a connection straight to the server is quicker where there are enough of them.
    ///
    /// Such a pooler does not forward `LISTEN`: without a [`PostgresBuilder::listen_url`] other processes find new work when
    /// they look. SQL of your own on these connections, in projections for example, must not stay prepared either: add
    /// `.persistent(false)` to each of your queries.
    ///
    /// ```no_run
    /// use sourced_postgres::Postgres;
    ///
    /// # async fn connect() -> Result<(), sourced::backend::BackendError> {
    /// let backend = Postgres::builder("postgres://shop@pooler:6432/shop")
    ///     .transaction_pooler()
    ///     .listen_url("postgres://shop@database:5432/shop")
    ///     .connect()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "pgbouncer")]
    pub fn transaction_pooler(mut self) -> Self {
        self.sessions = Sessions::Pooled;
        self
    }

    /// Where the two connections that carry the wake-ups lead: to the same database, past any pooler. By default they lead
    /// where all others do.
    pub fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.listen = Listen::Over(url.into());
        self
    }

    /// Neither tells other processes of new work nor hears from them: they find it when they look.
    pub fn without_listening(mut self) -> Self {
        self.listen = Listen::Off;
        self
    }

    /// Never sets the database up nor brings it up to date, but makes sure that it is: for roles that may not, and for
    /// people who run the SQL of [`migration_sql`](crate::migration_sql) themselves.
    pub fn without_migrating(mut self) -> Self {
        self.setup = Setup::Verify;
        self
    }

    /// Connects, and sets the database up if need be.
    ///
    /// # Errors
    /// As [`Postgres::connect`]; [`BackendError::Schema`] when the schema is not up to date and must not be migrated;
    /// [`BackendError::Refused`] for a wrong name of the schema.
    pub async fn connect(self) -> Result<Postgres, BackendError> {
        self.open(Access::Full).await
    }

    /// Connects for reading alone: every transaction is read only. The database is left as it is, so a program that writes
    /// must have set it up, in this version.
    ///
    /// The role needs to be allowed to use the schema, and to select from its tables and its sequence.
    ///
    /// ```no_run
    /// use sourced::{Reader, Selection};
    /// use sourced_postgres::Postgres;
    ///
    /// # async fn connect() -> Result<(), sourced::backend::BackendError> {
    /// let backend = Postgres::builder("postgres://report@localhost/shop").connect_read_only().await?;
    /// let n_messages = Reader::new(backend).log(Selection::all()).count().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`PostgresBuilder::connect`]; [`BackendError::Schema`] also for a schema that is not there or older, and
    /// [`BackendError::Refused`] for a standby server, which does not know who is late.
    pub async fn connect_read_only(self) -> Result<PostgresReader, BackendError> {
        self.open(Access::ReadOnly).await.map(PostgresReader)
    }

    async fn open(self, access: Access) -> Result<Postgres, BackendError> {
        let schema = SchemaName::new(&self.schema)
            .map_err(|error| BackendError::Refused(Box::new(error)))?;
        let options = PgConnectOptions::from_str(&self.url).map_err(backend_error)?;
        let connecting = Connecting {
            sessions: self.sessions,
            access,
        };
        let options = connecting.options(options);
        let history = Arc::new(History::default());
        let connections = Connections::new(
            connecting,
            options.clone(),
            Arc::clone(&history),
            self.pool_size,
            self.connect_within,
        );
        let mut connection = connections.lend(&Retry::default()).await?;
        let mut step = connecting
            .step(&mut connection)
            .await
            .map_err(backend_error)?;
        match (access, self.setup) {
            (Access::Full, Setup::Migrate) => migrate(&mut step, &schema).await?,
            (Access::Full, Setup::Verify) => verify(&mut step, &schema).await?,
            (Access::ReadOnly, _) => {
                refuse_standby(&mut step).await?;
                verify(&mut step, &schema).await?;
            }
        }
        if access == Access::Full {
            verify_sequence(&mut step, &schema).await?;
        }
        step.done().await.map_err(backend_error)?;
        let sql = Sql::new(Writer {
            schema: &schema,
            preparing: connecting.preparing(),
        });
        let begun = history.begin(sql.marks.clone(), connecting, &mut connection);
        begun.await.map_err(backend_error)?;
        connection.rests(&connections, &Ok::<_, SqlError>(()));
        drop(connection);
        let hints = match (self.listen, self.sessions) {
            (Listen::Over(url), _) => {
                let direct = PgConnectOptions::from_str(&url).map_err(backend_error)?;
                Hints::between_processes(&direct.application_name("sourced"), &schema)
            }
            (Listen::On, Sessions::Own) => Hints::between_processes(&options, &schema),
            (Listen::On, Sessions::Pooled) | (Listen::Off, _) => Hints::within_process(),
        };
        Ok(Postgres {
            inner: Arc::new(Inner {
                sql,
                limits: Limits::default(),
                hints,
                group_commit: GroupCommit::default(),
                together: Together::default(),
                ahead: ReadAhead::default(),
                history,
                connecting,
                connections,
                claiming: Kept::default(),
                renewing: Kept::default(),
                answer_within: self.answer_within,
                schema,
            }),
        })
    }
}

/// The locks by which writers say what they are about to store are not there on a standby server: a reader would pass
/// over who is late.
async fn refuse_standby(connection: &mut PgConnection) -> Result<(), BackendError> {
    let is_standby: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()")
        .persistent(false)
        .fetch_one(connection)
        .await
        .map_err(backend_error)?;
    if is_standby {
        let text = "this is a standby server, on which a reader of the log would miss what is committed late: connect to \
                    the primary server";
        return Err(BackendError::Refused(text.into()));
    }
    Ok(())
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL holds the password.
        f.debug_struct("PostgresBuilder")
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .field("sessions", &self.sessions)
            .field("setup", &self.setup)
            .field("connect_within", &self.connect_within)
            .field("answer_within", &self.answer_within)
            .finish_non_exhaustive()
    }
}

/// Counts how often something was tried again.
#[derive(Debug)]
pub(crate) struct Retry {
    lost: u32,
    deadlocks: u32,
    max_lost: u32,
    max_deadlocks: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            lost: 0,
            deadlocks: 0,
            max_lost: 1,
            max_deadlocks: 10,
        }
    }
}

impl Retry {
    /// In a transaction of the caller's. It ends with its connection, and what it locked before stays locked: when it
    /// meets with a second deadlock, that is the first one again.
    pub(crate) fn in_a_transaction() -> Self {
        Self {
            max_lost: 0,
            max_deadlocks: 1,
            ..Self::default()
        }
    }

    /// After a first try elsewhere, of which nothing was heard.
    pub(crate) fn of_a_lost_one() -> Self {
        Self {
            lost: 1,
            max_lost: 2,
            ..Self::default()
        }
    }

    /// Whether to do the same again after this error; after a deadlock it first waits, longer each time.
    pub(crate) async fn allows(&mut self, kind: Option<SqlErrorKind>) -> bool {
        match kind {
            Some(SqlErrorKind::ConnectionLost) if self.lost < self.max_lost => {
                self.lost += 1;
                true
            }
            Some(SqlErrorKind::Deadlock) if self.deadlocks < self.max_deadlocks => {
                let longest = 2_000_u64 << self.deadlocks;
                self.deadlocks += 1;
                // By chance, so that the two that met do not meet again.
                let micros = SystemRandom.next_u64() % longest;
                SystemClock.sleep(Duration::from_micros(micros)).await;
                true
            }
            _ => false,
        }
    }

    /// Whether it is unknown what became of an earlier try.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.lost > 0
    }
}

/// Does something with a connection, in a step, and once more with another one when it was lost.
///
/// This is right for reads, and for writes that notice when they were done before.
macro_rules! retrying {
    ($postgres:expr, $connection:ident => $attempt:expr) => {
        $crate::backend::retrying!($postgres, $postgres.inner.answer_within; $connection => $attempt)
    };
    ($postgres:expr, $limit:expr; $connection:ident => $attempt:expr) => {{
        let mut retry = $crate::backend::Retry::default();
        loop {
            let mut connection = $postgres.connection(&retry).await.map_err(sourced::backend::BackendError::from)?;
            let tried: $crate::backend::Attempt<_> =
                $crate::connecting::in_step!($postgres, &mut connection, $limit; $connection => $attempt);
            connection.rests(&$postgres.inner.connections, &tried);
            match tried {
                Err(error) if retry.allows($crate::error::SqlErrorKind::of(&error)).await => {}
                result => break result,
            }
        }
    }};
}
pub(crate) use retrying;

/// The result of one try.
pub(crate) type Attempt<T> = Result<T, SqlError>;
