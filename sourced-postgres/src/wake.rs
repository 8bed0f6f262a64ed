//! Wake-ups: hints that there may be work, within this process and between processes.

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{Signal, Wake};
use sourced::env::{Clock as _, Random as _, SystemClock, SystemRandom};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::backend::Postgres;
use crate::sql::SchemaName;

impl Wake for Postgres {
    fn signal(&self) -> Signal {
        self.inner.hints.signal.clone()
    }

    fn wake(&self) {
        self.inner.hints.raise();
    }
}

/// Sends and receives hints. Its tasks end when it is dropped.
#[derive(Debug)]
pub(crate) struct Hints {
    signal: Signal,
    outgoing: Arc<Notify>,
    tasks: Vec<JoinHandle<()>>,
}

impl Hints {
    /// Hints that stay in this process.
    pub(crate) fn within_process() -> Self {
        Self {
            signal: Signal::new(),
            outgoing: Arc::new(Notify::new()),
            tasks: Vec::new(),
        }
    }

    /// Hints that reach all processes listening on the same schema.
    #[expect(
        clippy::disallowed_methods,
        reason = "the connections live on tokio, and so must what reads them"
    )]
    pub(crate) fn between_processes(options: &PgConnectOptions, schema: &SchemaName) -> Self {
        let mut hints = Self::within_process();
        let line = Line {
            options: options.clone(),
            channel: format!("sourced_{}", schema.as_str()),
            sender: format!("{:x}", SystemRandom.next_u64()),
        };
        let telling = tell(line.clone(), Arc::clone(&hints.outgoing));
        let hearing = hear(line, hints.signal.clone());
        hints.tasks = vec![tokio::spawn(telling), tokio::spawn(hearing)];
        hints
    }

    /// Says that there may be work.
    pub(crate) fn raise(&self) {
        self.signal.raise();
        self.outgoing.notify_one();
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// How hints travel.
#[derive(Clone)]
struct Line {
    options: PgConnectOptions,
    channel: String,
    /// What a process ignores: it knows already.
    sender: String,
}

/// Tells other processes, at most a hundred times a second.
///
/// `NOTIFY` inside an appending transaction would be exact, but serialises all commits of the whole database cluster.
async fn tell(line: Line, outgoing: Arc<Notify>) {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut connection = None;
    let mut backoff = Backoff::new();
    loop {
        outgoing.notified().await;
        match notify(&line, &mut connection).await {
            Ok(()) => {
                backoff = Backoff::new();
                SystemClock.sleep(PAUSE).await;
            }
            Err(error) => {
                connection = None;
                tracing::debug!(%error, "other processes cannot be told of new work");
                backoff.wait().await;
            }
        }
    }
}

async fn notify(line: &Line, connection: &mut Option<PgConnection>) -> Result<(), sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(PgConnection::connect_with(&line.options).await?),
    };
    // A hint need not be on disk: waiting for that would make the commits of others wait, too.
    sqlx::query("SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)")
        .bind(&line.channel)
        .bind(&line.sender)
        .execute(connection)
        .await
        .map(drop)
}

/// Hears from other processes; comes back by itself when the connection is lost.
async fn hear(line: Line, signal: Signal) {
    let mut backoff = Backoff::new();
    loop {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(line.options.clone());
        match PgListener::connect_with(&pool).await {
            Ok(mut listener) => {
                if let Err(error) = listen(&line, &mut listener, &signal, &mut backoff).await {
                    tracing::debug!(%error, "other processes cannot be heard");
                }
            }
            Err(error) => tracing::debug!(%error, "other processes cannot be heard"),
        }
        backoff.wait().await;
    }
}

async fn listen(
    line: &Line,
    listener: &mut PgListener,
    signal: &Signal,
    backoff: &mut Backoff,
) -> Result<(), sqlx::Error> {
    // A reconnection of the listener's own would not wait between its tries.
    listener.eager_reconnect(false);
    listener.listen(&line.channel).await?;
    *backoff = Backoff::new();
    // What was said while nobody listened.
    signal.raise();
    while let Some(notification) = listener.try_recv().await? {
        if notification.payload() != line.sender {
            signal.raise();
        }
    }
    Ok(())
}

/// Waits between tries, longer each time.
struct Backoff(Duration);

impl Backoff {
    const LONGEST: Duration = Duration::from_secs(5);

    fn new() -> Self {
        Self(Duration::from_millis(50))
    }

    async fn wait(&mut self) {
        SystemClock.sleep(self.0).await;
        self.0 = (self.0 * 2).min(Self::LONGEST);
    }
}
