//! Units in a transaction of the caller's: what only SQLite can get wrong.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::path::Path;
use std::time::Duration;

use common::{append, file};
use sourced::ExpectedSeq;
use sourced::backend::{JoinError, Log as _, ReadStream, Store as _, UnitCommit, Units as _};
use sourced_sqlite::Sqlite;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{Connection as _, SqliteConnection};

/// A unit of one event.
fn unit(stream: &str, expected: ExpectedSeq) -> UnitCommit {
    let mut append = append(stream, 1);
    append.expected = expected;
    UnitCommit {
        appends: vec![append],
        ..UnitCommit::default()
    }
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(Duration::from_millis(100));
    SqliteConnection::connect_with(&options).await.unwrap()
}

#[tokio::test]
async fn a_conflict_leaves_the_transaction_usable() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.append(vec![append("a", 1)]).await.unwrap();
    let mut connection = connect(&path).await;
    let mut tx = connection.begin().await.unwrap();
    let mut joined = store.join(&mut *tx).await.unwrap();
    let error = joined.store_unit(unit("a", ExpectedSeq::NoStream)).await;
    assert!(error.unwrap_err().is_conflict());
    let kept = unit("a", ExpectedSeq::Exactly(sourced::Seq::new(1).unwrap()));
    let first = joined.store_unit(kept.clone()).await.unwrap();
    let again = joined.store_unit(kept).await.unwrap();
    assert!(again[0].already_stored);
    assert_eq!(first[0].position, again[0].position);
    drop(joined);
    tx.commit().await.unwrap();
    let read = ReadStream::all(common::stream("a"));
    assert_eq!(store.read_stream(read).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_transaction_takes_the_write_lock_when_it_is_joined() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let mut connection = connect(&path).await;
    // It has not read yet, so it may become a writing one.
    let mut tx = connection.begin().await.unwrap();
    assert!(store.join(&mut *tx).await.is_ok());
    let mut another = connect(&path).await;
    let refused = another.begin_with("BEGIN IMMEDIATE").await;
    assert!(refused.is_err(), "somebody else writes");
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_cannot_write_is_told_so() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let mut connection = connect(&path).await;
    let mut tx = connection.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM sourced_streams")
        .execute(&mut *tx)
        .await
        .unwrap();
    // What it has read is out of date, so it can never write.
    store.append(vec![append("a", 1)]).await.unwrap();
    let error = store.join(&mut *tx).await.err().unwrap();
    assert!(matches!(error, JoinError::NotWriting(_)), "{error}");
    assert!(error.to_string().contains("BEGIN IMMEDIATE"), "{error}");
    tx.rollback().await.unwrap();

    // Somebody else is writing, for longer than this one waits.
    let mut another = connect(&path).await;
    let writing = another.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    let error = store.join(&mut *tx).await.err().unwrap();
    assert!(matches!(error, JoinError::NotWriting(_)), "{error}");
    writing.rollback().await.unwrap();

    let read_only = SqliteConnectOptions::new().filename(&path).read_only(true);
    let pool = SqlitePool::connect_with(read_only).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let error = store.join(&mut tx).await.err().unwrap();
    assert!(matches!(error, JoinError::NotWriting(_)), "{error}");
}

#[tokio::test]
async fn another_file_cannot_be_joined_but_the_same_by_another_name() {
    let (folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let mut elsewhere = connect(&folder.path().join("other.db")).await;
    let mut tx = elsewhere.begin().await.unwrap();
    let error = store.join(&mut *tx).await.err().unwrap();
    assert!(matches!(error, JoinError::OtherDatabase), "{error}");
    let mut memory = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let mut tx = memory.begin().await.unwrap();
    let error = store.join(&mut *tx).await.err().unwrap();
    assert!(matches!(error, JoinError::OtherDatabase), "{error}");
    let roundabout = folder.path().join(".").join("store.db");
    let mut same = connect(&roundabout).await;
    let mut tx = same.begin().await.unwrap();
    assert!(store.join(&mut *tx).await.is_ok());
}
