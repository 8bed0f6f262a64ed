//! The database that all processes share.

use std::path::PathBuf;
use std::time::Duration;

use sourced::backend::Backend;
use sourced::{App, RetryPolicy, WorkerOptions};
use sourced_postgres::Postgres;
use sourced_sqlite::Sqlite;
use sourced_testing::Faulty;
use sqlx::sqlite::SqliteConnectOptions;

use crate::careless::{Careless, Omission};
use crate::domain::{Account, Book, Tally};
use crate::dying::Dies;
use crate::recorder::{Recorder, TABLE};
use crate::trouble::Trouble;
use crate::worker::{LEASE, STOP_WITHIN};

/// Shorter than a server stands still at times.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// A server or a file.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Postgres(String),
    Sqlite(PathBuf),
}

impl Database {
    pub(crate) fn parse(place: &str) -> Self {
        if place.starts_with("postgres:") {
            Self::Postgres(place.to_owned())
        } else {
            Self::Sqlite(place.into())
        }
    }

    /// How a child process is told of it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Postgres(url) => url.clone(),
            Self::Sqlite(path) => path.display().to_string(),
        }
    }

    /// Creates the table of effects.
    pub(crate) async fn prepare(&self) -> anyhow::Result<()> {
        let table = TABLE[usize::from(matches!(self, Self::Sqlite(_)))];
        match self {
            Self::Postgres(url) => {
                let pool = sqlx::PgPool::connect(url).await?;
                sqlx::query(table).execute(&pool).await?;
                pool.close().await;
            }
            Self::Sqlite(path) => {
                // The backend sets the file up first: how it journals is decided once.
                drop(Sqlite::open(path).await?);
                let pool =
                    sqlx::SqlitePool::connect_with(SqliteConnectOptions::new().filename(path))
                        .await?;
                sqlx::query(table).execute(&pool).await?;
                pool.close().await;
            }
        }
        Ok(())
    }

    /// The app, however long the database is away.
    pub(crate) async fn patiently_opened(&self, omission: Option<Omission>) -> App {
        loop {
            match self.open(omission).await {
                Ok(app) => return app,
                Err(error) => eprintln!("not open yet: {error:#}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The app.
    pub(crate) async fn open(&self, omission: Option<Omission>) -> anyhow::Result<App> {
        match self {
            Self::Postgres(url) => {
                let backend = Postgres::builder(url).answer_within(ANSWER_WITHIN);
                app(backend.connect().await?, omission).await
            }
            Self::Sqlite(path) => app(Sqlite::open(path).await?, omission).await,
        }
    }
}

async fn app(backend: impl Backend, omission: Option<Omission>) -> anyhow::Result<App> {
    // An outage that counted as an attempt would park streams; handlers that fail by themselves do not do so ten times.
    let retry = RetryPolicy::default()
        .attempts(10)
        .first_pause(Duration::from_millis(10))
        .longest_pause(Duration::from_millis(200));
    let workers = WorkerOptions::default()
        .lease(LEASE)
        .lanes(16)
        .stop_within(STOP_WITHIN)
        .retry(retry);
    let app = App::builder().workers(workers).resource(Trouble);
    let app = app
        .register::<Account>()
        .register::<Book>()
        .register::<Tally>()
        .register::<Recorder>();
    let backend = Faulty::by(backend, Dies);
    let app = match omission {
        Some(omission) => app.backend(Careless::new(backend, omission)),
        None => app.backend(backend),
    };
    Ok(app.build().await?)
}
