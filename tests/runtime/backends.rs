//! The backends the promises are tested on, each fresh for its test.

use std::sync::Arc;
use std::time::Duration;

use sourced::env::Env;
use sourced::prelude::*;
use sourced::{AppBuilder, Memory, RetryPolicy, WorkerOptions};
use sourced_postgres::Postgres;
use sourced_sqlite::Sqlite;
use sourced_testing::{Faulty, Script};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use crate::shop::{Report, Stage, Till};

/// A fresh, empty store of some kind, which apps are built on.
pub enum On {
    Memory(Memory),
    Sqlite(
        Sqlite,
        #[allow(dead_code, reason = "keeps the file")] tempfile::TempDir,
    ),
    Postgres(Postgres),
}

impl On {
    #[expect(clippy::unused_async, reason = "the others are")]
    pub async fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let backend = Sqlite::open(folder.path().join("shop.db")).await.unwrap();
        Self::Sqlite(backend, folder)
    }

    /// In a schema of its own, which stays until the throw-away server is removed.
    pub async fn postgres() -> Self {
        let schema = format!("runtime_{}", Env::system().ids.next_id().simple());
        let builder = Postgres::builder(&sourced_testing::postgres::test_url())
            .schema(schema)
            .pool_size(8);
        Self::Postgres(builder.connect().await.unwrap())
    }

    /// Runs SQL as somebody who altered the table `parcels` by hand: `{table}` is that one, `{index}` an index `by_hand`.
    ///
    /// # Panics
    /// In memory, where nobody can.
    pub async fn alter(&self, text: &str) {
        let filled = |table: &str, index: &str| {
            AssertSqlSafe(text.replace("{table}", table).replace("{index}", index))
        };
        match self {
            Self::Memory(_) => panic!("memory has no SQL"),
            Self::Sqlite(_, folder) => {
                let file = SqliteConnectOptions::new().filename(folder.path().join("shop.db"));
                let mut connection = file.connect().await.unwrap();
                let text = filled("sourced_parcels", "by_hand");
                sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
            }
            Self::Postgres(backend) => {
                let url = sourced_testing::postgres::test_url();
                let mut connection = PgConnection::connect(&url).await.unwrap();
                let schema = backend.schema();
                let text = filled(&format!("{schema}.parcels"), &format!("{schema}.by_hand"));
                sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
            }
        }
    }

    pub fn builder(&self) -> AppBuilder {
        self.builder_in(Env::system())
    }

    /// On ports of its own for time, chance, ids and tasks.
    pub fn builder_in(&self, env: Env) -> AppBuilder {
        let builder = App::builder_in(env);
        match self {
            Self::Memory(backend) => builder.backend(backend.clone()),
            Self::Sqlite(backend, _) => builder.backend(backend.clone()),
            Self::Postgres(backend) => builder.backend(backend.clone()),
        }
    }

    /// On storage that fails as it is told.
    pub fn faulty(&self) -> (AppBuilder, Script) {
        let script = Script::default();
        let builder = App::builder();
        let builder = match self {
            Self::Memory(backend) => builder.backend(Faulty::by(backend.clone(), script.clone())),
            Self::Sqlite(backend, _) => {
                builder.backend(Faulty::by(backend.clone(), script.clone()))
            }
            Self::Postgres(backend) => builder.backend(Faulty::by(backend.clone(), script.clone())),
        };
        (builder, script)
    }

    /// An app whose failures are tried three times, without much of a pause.
    pub async fn app(&self, stage: &Arc<Stage>) -> App {
        self.app_with(stage, |_| {}).await
    }

    pub async fn app_with(
        &self,
        stage: &Arc<Stage>,
        change: impl FnOnce(&mut WorkerOptions),
    ) -> App {
        let retry = RetryPolicy::default()
            .attempts(3)
            .first_pause(Duration::from_millis(1));
        let mut options = WorkerOptions::default()
            .poll_max(Duration::from_millis(5))
            .retry(retry);
        change(&mut options);
        let builder = self.builder().register::<Till>().register::<Report>();
        builder
            .resource(Arc::clone(stage))
            .workers(options)
            .build()
            .await
            .unwrap()
    }
}
