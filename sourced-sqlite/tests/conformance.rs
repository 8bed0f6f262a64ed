//! The SQLite backend keeps what the port promises.

// The harness fails a test by panicking, as the tests themselves do.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::time::Duration;

use sourced::env::{Clock as _, SystemClock};
use sourced::{MessageId, Timestamp};
use sourced_sqlite::Sqlite;
use sourced_testing::conformance::Harness;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

struct OneFile;

impl Harness for OneFile {
    type Backend = Sqlite;
    type Guard = TempDir;

    async fn fresh(&self) -> (Sqlite, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Sqlite::open(path(&folder)).await.unwrap(), folder)
    }

    async fn another(&self, _: &Sqlite, folder: &TempDir) -> Sqlite {
        Sqlite::open(path(folder)).await.unwrap()
    }

    /// SQLite's clock is the machine's and cannot be moved, so the stored times are moved back.
    async fn advance(&self, _: &Sqlite, folder: &TempDir, by: Duration) {
        let options = SqliteConnectOptions::new().filename(path(folder));
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let by = i64::try_from(by.as_micros()).unwrap();
        sqlx::query(
            "UPDATE sourced_lanes SET leased_until = leased_until - ?1, available_at = available_at - ?1",
        )
        .bind(by)
        .execute(&mut connection)
        .await
        .unwrap();
        for statement in [
            "UPDATE sourced_scheduled SET due_at = due_at - ?1",
            "UPDATE sourced_groups SET held_until = held_until - ?1",
        ] {
            let moved = sqlx::query(statement).bind(by).execute(&mut connection);
            moved.await.unwrap();
        }
        connection.close().await.unwrap();
    }

    async fn damage(&self, _: &Sqlite, folder: &TempDir, message: MessageId) -> bool {
        let options = SqliteConnectOptions::new().filename(path(folder));
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let damage = sqlx::query("UPDATE sourced_messages SET metadata = '[' WHERE id = ?1")
            .bind(message.as_uuid().into_bytes().to_vec());
        damage.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        true
    }

    fn gives_stretches(&self) -> bool {
        true
    }

    fn now(&self, _: &TempDir) -> Timestamp {
        SystemClock.now()
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("store.db")
}

sourced_testing::conformance!(OneFile);
