//! Units in a transaction of the caller's: what only PostgreSQL can get wrong.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use common::Schema;
use sourced::backend::{
    AppendError, Backend, JoinError, Joined, ReadStream, Store as _, StreamAppend, UnitCommit,
    UnitError, Units as _,
};
use sourced::env::Env;
use sourced::{
    ExpectedSeq, Kind, MessageId, NewMessage, Payload, Position, StreamId, Timestamp, TypeName,
};
use sourced_postgres::Postgres;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Barrier;

fn event() -> NewMessage {
    NewMessage::root(
        MessageId::from_uuid(Env::system().ids.next_id()),
        Timestamp::from_micros(1_700_000_000_000_000),
        TypeName::new("happened").unwrap(),
        Kind::Event,
        Payload::parse("{}").unwrap(),
    )
}

/// A unit of one event.
fn unit(stream: &str, expected: ExpectedSeq) -> UnitCommit {
    UnitCommit {
        appends: vec![StreamAppend {
            stream: StreamId::new(stream).unwrap(),
            expected,
            messages: vec![event()],
        }],
        ..UnitCommit::default()
    }
}

async fn append(backend: &Postgres, stream: &str) -> Position {
    let appends = unit(stream, ExpectedSeq::Any).appends;
    backend.append(appends).await.unwrap()[0].position
}

async fn seqs(backend: &impl Backend, stream: &str) -> Vec<u64> {
    let read = ReadStream::all(StreamId::new(stream).unwrap());
    let stored = backend.read_stream(read).await.unwrap();
    stored.iter().map(|message| message.seq.get()).collect()
}

async fn seen(joined: &mut Box<dyn Joined + '_>, stream: &str) -> usize {
    let read = ReadStream::all(StreamId::new(stream).unwrap());
    joined.read_stream(read).await.unwrap().len()
}

#[tokio::test]
async fn a_conflict_leaves_the_transaction_usable_and_sees_what_others_committed() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let mut tx = backend.pool().begin().await.unwrap();
    let mut joined = backend.join(&mut tx).await.unwrap();
    joined
        .store_unit(unit("a", ExpectedSeq::NoStream))
        .await
        .unwrap();
    assert_eq!(seen(&mut joined, "b").await, 0);
    append(&backend, "b").await;
    let error = joined.store_unit(unit("b", ExpectedSeq::NoEventAfter(None)));
    assert!(error.await.unwrap_err().is_conflict());
    assert_eq!(seen(&mut joined, "a").await, 1, "what it stored is kept");
    assert_eq!(seen(&mut joined, "b").await, 1, "and others are seen");
    let next = ExpectedSeq::NoEventAfter(sourced::Seq::new(1));
    joined.store_unit(unit("b", next)).await.unwrap();
    drop(joined);
    tx.commit().await.unwrap();
    assert_eq!(seqs(&backend, "a").await, [1]);
    assert_eq!(seqs(&backend, "b").await, [1, 2]);
}

#[tokio::test]
async fn same_id_once_within_the_transaction_and_after_it() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let commit = unit("a", ExpectedSeq::NoStream);
    let mut tx = backend.pool().begin().await.unwrap();
    let mut joined = backend.join(&mut tx).await.unwrap();
    let first = joined.store_unit(commit.clone()).await.unwrap();
    let again = joined.store_unit(commit.clone()).await.unwrap();
    assert!(again[0].already_stored);
    assert_eq!(first[0].position, again[0].position);
    drop(joined);
    tx.commit().await.unwrap();
    let mut tx = backend.pool().begin().await.unwrap();
    let mut joined = backend.join(&mut tx).await.unwrap();
    assert!(joined.store_unit(commit).await.unwrap()[0].already_stored);
    drop(joined);
    tx.commit().await.unwrap();
    assert_eq!(seqs(&backend, "a").await, [1]);
}

#[tokio::test]
async fn never_skipped_while_the_transaction_is_open() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let read = async || {
        let log = common::log(&backend).await;
        let streams = log.iter().map(|message| message.stream_id.to_string());
        streams.collect::<Vec<_>>()
    };
    let mut tx = backend.pool().begin().await.unwrap();
    let mut joined = backend.join(&mut tx).await.unwrap();
    // What was drawn by a try that stored nothing is given up at once, what was stored is not.
    append(&backend, "a").await;
    let lost = joined.store_unit(unit("a", ExpectedSeq::NoStream)).await;
    assert!(lost.unwrap_err().is_conflict());
    append(&backend, "b").await;
    assert_eq!(read().await, ["a", "b"]);
    joined
        .store_unit(unit("c", ExpectedSeq::Any))
        .await
        .unwrap();
    append(&backend, "d").await;
    joined
        .store_unit(unit("e", ExpectedSeq::Any))
        .await
        .unwrap();
    append(&backend, "f").await;
    assert_eq!(read().await, ["a", "b"], "`c` may still come");
    drop(joined);
    tx.commit().await.unwrap();
    assert_eq!(read().await, ["a", "b", "c", "d", "e", "f"]);
}

#[tokio::test]
async fn a_transaction_with_one_snapshot_cannot_be_joined() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    for isolation in ["repeatable read", "serializable"] {
        let mut tx = backend.pool().begin().await.unwrap();
        let set = schema.sql(&format!("SET TRANSACTION ISOLATION LEVEL {isolation}"));
        sqlx::raw_sql(set).execute(&mut *tx).await.unwrap();
        match backend.join(&mut tx).await.err().unwrap() {
            JoinError::Isolation { found, wanted } => {
                assert_eq!((&found[..], wanted), (isolation, "read committed"));
            }
            error => panic!("{error}"),
        }
        let alive: i32 = sqlx::query_scalar("SELECT 1")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(alive, 1);
    }
    let mut tx = backend.pool().begin().await.unwrap();
    let read_only = sqlx::raw_sql("SET TRANSACTION READ ONLY");
    read_only.execute(&mut *tx).await.unwrap();
    let error = backend.join(&mut tx).await.err().unwrap();
    assert!(matches!(error, JoinError::NotWriting(_)), "{error}");
}

#[tokio::test]
async fn a_database_without_the_schema_cannot_be_joined() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let mut elsewhere = PgConnection::connect(&schema.url).await.unwrap();
    // Any connection to the same database will do.
    let mut tx = elsewhere.begin().await.unwrap();
    assert!(backend.join(&mut *tx).await.is_ok());
    tx.rollback().await.unwrap();
    let name = format!("{}_elsewhere", schema.name);
    let create = schema.sql("CREATE DATABASE {schema}_elsewhere");
    sqlx::raw_sql(create).execute(&mut elsewhere).await.unwrap();
    let (server, _) = schema.url.rsplit_once('/').unwrap();
    let mut other = PgConnection::connect(&format!("{server}/{name}"))
        .await
        .unwrap();
    let mut tx = other.begin().await.unwrap();
    let error = backend.join(&mut *tx).await.err().unwrap();
    assert!(matches!(error, JoinError::OtherDatabase), "{error}");
    drop(tx);
    other.close().await.unwrap();
    let drop = schema.sql("DROP DATABASE {schema}_elsewhere");
    sqlx::raw_sql(drop).execute(&mut elsewhere).await.unwrap();
}

/// Stores one unit in each stream, the second when `both` have stored the first. Gives whether it could commit.
async fn store_in_both(backend: &Postgres, streams: [&str; 2], both: &Barrier) -> bool {
    let mut tx = backend.pool().begin().await.unwrap();
    let mut joined = backend.join(&mut tx).await.unwrap();
    let [first, second] = streams.map(|stream| unit(stream, ExpectedSeq::Any));
    joined.store_unit(first).await.unwrap();
    both.wait().await;
    let stored = joined.store_unit(second).await;
    drop(joined);
    match stored {
        Ok(_) => tx.commit().await.map(|()| true).unwrap(),
        Err(UnitError::Append(AppendError::Backend(error))) => {
            assert!(error.is_transient(), "{error}");
            tx.rollback().await.unwrap();
            false
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_deadlock_of_two_transactions_ends_one_of_them_and_no_more() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let both = Barrier::new(2);
    let (one, other) = tokio::join!(
        store_in_both(&backend, ["a", "b"], &both),
        store_in_both(&backend, ["b", "a"], &both),
    );
    assert!(one != other, "one gave up, and let the other one go on");
    assert_eq!(seqs(&backend, "a").await, [1]);
    assert_eq!(seqs(&backend, "b").await, [1]);
}

/// Stores a unit in this transaction, which waits for somebody who has locked its stream, and gives it up then.
async fn give_up(backend: &Postgres, connection: &mut PgConnection, stream: &str) {
    let mut holder = backend.pool().begin().await.unwrap();
    let mut holding = backend.join(&mut holder).await.unwrap();
    holding
        .store_unit(unit(stream, ExpectedSeq::Any))
        .await
        .unwrap();
    drop(holding);
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let waits = async {
        let look =
            "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'";
        loop {
            let look = sqlx::query_scalar(look).bind(pid);
            if look.fetch_one(backend.pool()).await.unwrap() {
                break;
            }
        }
    };
    let mut joined = backend.join(connection).await.unwrap();
    tokio::select! {
        biased;
        stored = joined.store_unit(unit(stream, ExpectedSeq::Any)) => panic!("{stored:?}"),
        () = waits => {}
    }
    drop(joined);
    holder.rollback().await.unwrap();
}

#[tokio::test]
async fn safe_to_drop_as_the_transaction_refuses_to_commit_and_says_why() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    schema
        .execute(&backend, "CREATE TABLE {schema}.own (n integer)")
        .await;
    let mut tx = backend.pool().begin().await.unwrap();
    give_up(&backend, &mut tx, "a").await;
    let own = schema.sql("INSERT INTO {schema}.own VALUES (1)");
    sqlx::raw_sql(own).execute(&mut *tx).await.unwrap();
    let next = backend.join(&mut tx).await.err().unwrap();
    assert!(matches!(next, JoinError::GivenUp), "{next}");
    let refused = tx.commit().await.unwrap_err().to_string();
    let says_why = "a unit was given up in this transaction: roll it back";
    assert!(refused.contains(says_why), "{refused}");
    assert!(seqs(&backend, "a").await.is_empty());
    let count = schema.sql("SELECT count(*) FROM {schema}.own");
    let n_own: i64 = sqlx::query_scalar(count)
        .fetch_one(backend.pool())
        .await
        .unwrap();
    assert_eq!(n_own, 0);
}

#[tokio::test]
async fn safe_to_drop_as_a_savepoint_from_before_is_as_it_was() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let mut tx = backend.pool().begin().await.unwrap();
    let mut joined = backend.join(&mut tx).await.unwrap();
    joined
        .store_unit(unit("a", ExpectedSeq::NoStream))
        .await
        .unwrap();
    drop(joined);
    let mut savepoint = tx.begin().await.unwrap();
    give_up(&backend, &mut savepoint, "b").await;
    drop(savepoint);
    let mut joined = backend.join(&mut tx).await.unwrap();
    joined
        .store_unit(unit("b", ExpectedSeq::NoStream))
        .await
        .unwrap();
    drop(joined);
    tx.commit().await.unwrap();
    assert_eq!(seqs(&backend, "a").await, [1]);
    assert_eq!(seqs(&backend, "b").await, [1]);
}
