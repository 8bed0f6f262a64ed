//! Connections: lent from the pool, or kept beside it, with limits; those that lead nowhere any more are closed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sourced::Timestamp;
use sourced::env::{Clock as _, SystemClock};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};

use crate::backend::Retry;
use crate::connecting::{Access, Connecting};
use crate::error::SqlError;
use crate::history::History;
use crate::lent::Lent;

/// How long to find out why there is no connection.
const EXPLAIN_WITHIN: Duration = Duration::from_secs(2);

/// The connections of one backend.
pub(crate) struct Connections {
    connecting: Connecting,
    options: PgConnectOptions,
    history: Arc<History>,
    connect_within: Duration,
    pool: PgPool,
    turned: Arc<Turned>,
}

impl Connections {
    /// Connects to nothing yet.
    pub(crate) fn new(
        connecting: Connecting,
        options: PgConnectOptions,
        history: Arc<History>,
        pool_size: u32,
        connect_within: Duration,
    ) -> Self {
        let turned = Arc::new(Turned::default());
        let (turned_of_pool, looking) = (Arc::clone(&turned), Arc::clone(&history));
        let pool = PgPoolOptions::new()
            .max_connections(pool_size)
            // A round trip for every statement: a broken connection is noticed when it is used, and then replaced.
            .test_before_acquire(false)
            .acquire_timeout(connect_within)
            .after_connect(move |connection, _| {
                let history = Arc::clone(&looking);
                Box::pin(async move {
                    connecting.set_up(connection).await?;
                    history.look_around(connecting, connection).await
                })
            })
            .before_acquire(move |_, about| {
                let is_of_use = !turned_of_pool.is_since(about.age);
                Box::pin(async move { Ok(is_of_use) })
            })
            .connect_lazy_with(options.clone());
        Self {
            connecting,
            options,
            history,
            connect_within,
            pool,
            turned,
        }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection from the pool. After a lost one the others are tried first: they may have been lost together.
    pub(crate) async fn lend(&self, retry: &Retry) -> Result<Lent, SqlError> {
        let lending = async {
            if retry.is_in_doubt() {
                for _ in 0..self.pool.size() {
                    let mut connection = self.pool.acquire().await?;
                    if connection.ping().await.is_ok() {
                        return Ok(connection);
                    }
                    connection.close_on_drop();
                }
            }
            self.pool.acquire().await
        };
        match self.in_time(lending).await {
            Ok(connection) => Ok(Lent::new(connection)),
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// A connection of the pool that nobody else wants just now.
    pub(crate) fn try_lend(&self) -> Option<Lent> {
        self.pool.try_acquire().map(Lent::new)
    }

    /// A connection beside the pool.
    pub(crate) async fn own(&self) -> Result<PgConnection, SqlError> {
        let opening = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            self.connecting.set_up(&mut connection).await?;
            let looking = self.history.look_around(self.connecting, &mut connection);
            looking.await?;
            Ok(connection)
        };
        Ok(self.in_time(opening).await?)
    }

    async fn in_time<T>(
        &self,
        connecting: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        tokio::select! {
            biased;
            connected = connecting => connected,
            () = SystemClock.sleep(self.connect_within) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// The pool does not tell why there is no connection in time: because all are in use, or none can be made.
    async fn explained(&self, error: sqlx::Error) -> SqlError {
        if !matches!(error, sqlx::Error::PoolTimedOut) {
            return error.into();
        }
        let within = self.connect_within;
        let told = tokio::select! {
            biased;
            made = PgConnection::connect_with(&self.options) => match made {
                Ok(_) => format!("all connections of the pool were in use for {within:?}: see `pool_size`"),
                Err(error) => format!("no connection could be made for {within:?}: {error}"),
            },
            () = SystemClock.sleep(EXPLAIN_WITHIN) => {
                format!("no connection could be made for {within:?}: the server does not answer")
            }
        };
        SqlError::away(&told)
    }

    /// Whether a connection that was told this is of no use any more.
    ///
    /// A server that takes no writes may have been the right one once; the address may lead to another one by now. So who
    /// connected before goes there anew.
    pub(crate) fn is_spent(&self, told: &SqlError) -> bool {
        if told.is_read_only() && self.connecting.access == Access::Full {
            self.turned.note();
        }
        told.is_read_only() || told.is_in_doubt()
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pool's own text would show the URL.
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

/// A connection beside the pool, between two uses by the same task.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<(Timestamp, PgConnection)>>);

impl Kept {
    /// Takes it, or makes a new one. It has to be put back after use, and is closed otherwise.
    pub(crate) async fn take(&self, connections: &Connections) -> Result<InUse<'_>, SqlError> {
        let kept = self.lock_with(Option::take);
        let kept = kept.filter(|(made_at, _)| !connections.turned.is_after(*made_at));
        let (made_at, connection) = match kept {
            Some(kept) => kept,
            None => (SystemClock.now(), connections.own().await?),
        };
        Ok(InUse {
            kept: self,
            made_at,
            connection,
        })
    }

    fn lock_with<T>(&self, act: impl FnOnce(&mut Option<(Timestamp, PgConnection)>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A kept connection that is in use.
pub(crate) struct InUse<'k> {
    kept: &'k Kept,
    made_at: Timestamp,
    pub(crate) connection: PgConnection,
}

impl InUse<'_> {
    /// Keeps it for the next use. Of several that were made at the same time, one is kept.
    pub(crate) fn put_back(self) {
        self.kept
            .lock_with(|kept| *kept = Some((self.made_at, self.connection)));
    }
}

/// When a server was last found to take no writes.
#[derive(Debug, Default)]
struct Turned(Mutex<Option<Timestamp>>);

impl Turned {
    /// Once a second at most, so that connections are of some use to those who read meanwhile.
    fn note(&self) {
        const REST: Duration = Duration::from_secs(1);
        let now = SystemClock.now();
        self.lock_with(|at| {
            let rests = at.is_some_and(|at| now >= at && now.saturating_since(at) < REST);
            if !rests {
                *at = Some(now);
            }
        });
    }

    /// Whether it was after a connection was made.
    fn is_after(&self, made_at: Timestamp) -> bool {
        self.lock_with(|at| at.is_some_and(|at| made_at <= at))
    }

    /// Whether it was within this time.
    fn is_since(&self, age: Duration) -> bool {
        self.lock_with(|at| {
            let Some(since) = at else { return false };
            let now = SystemClock.now();
            // A clock that was set back must not close connections until it is there again.
            *since = now.min(*since);
            now.saturating_since(*since) <= age
        })
    }

    fn lock_with<T>(&self, act: impl FnOnce(&mut Option<Timestamp>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
