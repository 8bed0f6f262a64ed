//! What the tests share: a schema of its own for each.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod forgetful;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sourced::backend::{Log as _, ReadLog};
use sourced::{Selection, StoredMessage};
use sourced_postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// A schema that nobody else uses, dropped at the end.
pub(crate) struct Schema {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Schema {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("test_{}_{nth}", std::process::id()),
            url: sourced_testing::postgres::test_url(),
        }
    }

    pub(crate) async fn connect(&self) -> Postgres {
        Postgres::builder(&self.url)
            .schema(&self.name)
            .pool_size(6)
            .connect()
            .await
            .unwrap()
    }

    /// Puts the name of the schema into a text.
    pub(crate) fn sql(&self, text: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(text.replace("{schema}", &self.name))
    }

    /// What is due in some time is due so much earlier.
    pub(crate) async fn advance(&self, backend: &Postgres, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        let text = format!(
            "UPDATE {{schema}}.lanes SET due_at = due_at - {micros} * interval '1 microsecond' WHERE due_at IS NOT NULL;
             UPDATE {{schema}}.scheduled SET due_at = due_at - {micros} * interval '1 microsecond';
             UPDATE {{schema}}.groups SET held_until = held_until - {micros} * interval '1 microsecond'"
        );
        self.execute(backend, &text).await;
    }

    pub(crate) async fn execute(&self, backend: &Postgres, text: &str) {
        sqlx::raw_sql(self.sql(text))
            .execute(backend.pool())
            .await
            .unwrap();
    }
}

/// The whole log.
pub(crate) async fn log(backend: &Postgres) -> Vec<StoredMessage> {
    let read = ReadLog::new(Selection::all()).limit(100_000);
    backend.read_log(&read).await.unwrap().messages
}

impl Drop for Schema {
    fn drop(&mut self) {
        let url = self.url.clone();
        let drop = self.sql("DROP SCHEMA IF EXISTS {schema} CASCADE");
        // The test's own runtime is about to end, and may not wait for anything here.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                sqlx::raw_sql("SET lock_timeout = '5s'")
                    .execute(&mut connection)
                    .await
                    .unwrap();
                // What a failed test left locked stays until the server is stopped.
                _ = sqlx::raw_sql(drop).execute(&mut connection).await;
            });
        });
        _ = dropping.join();
    }
}
