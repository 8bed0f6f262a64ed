//! Migrations: from every older version, by a program or by hand.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::path::Path;

use sourced::backend::{
    BackendError, Claims as _, Groups as _, Log as _, Quarantine as _, ReadLog, ReadStream,
    Selection, Snapshots as _,
};
use sourced_sqlite::{SCHEMA_VERSION, Sqlite, migration_sql};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use common::{ack_all, file, group, request, stream};

async fn run(path: &Path, from: i64, to: i64) -> Result<(), sqlx::Error> {
    execute(path, migration_sql("sourced_", from, to).unwrap()).await
}

async fn execute(path: &Path, sql: String) -> Result<(), sqlx::Error> {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await?;
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    connection.close().await?;
    done.map(drop)
}

async fn open_without_migrating(path: &Path) -> Result<Sqlite, BackendError> {
    Sqlite::builder().without_migrating().open(path).await
}

/// What a file of an early version holds: two of three messages of `a` are left to do, and `b` is parked.
async fn populate(path: &Path, version: i64) {
    let snapshot = match version {
        ..3 => "",
        3..11 => {
            "INSERT INTO sourced_snapshots (actor, stream, seq, fingerprint, state) VALUES ('cart', 'a', 2, 7, '1');"
        }
        11.. => {
            "INSERT INTO sourced_snapshots (actor, stream, seq, event, fingerprint, state)
             VALUES ('cart', 'a', 2, unhex(printf('%032x', 12)), 7, '1');"
        }
    };
    let failure = if version < 6 {
        ""
    } else {
        "UPDATE sourced_lanes SET failed_pos = 4, failing_since = 0, failed_at = 0 WHERE attempts > 0;"
    };
    let text = format!(
        "INSERT INTO sourced_streams (id, name, version, last_event_seq) VALUES (1, 'a', 3, 3), (2, 'b', 1, 1);
         INSERT INTO sourced_messages (stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, payload)
         SELECT stream, seq, id, 'event', 'test.happened', id, id, 0, '{{}}'
         FROM (SELECT column1 AS stream, column2 AS seq, unhex(printf('%032x', column1 * 10 + column2)) AS id
               FROM (VALUES (1, 1), (1, 2), (1, 3), (2, 1)));
         INSERT INTO sourced_groups (id, name, start, hi) VALUES (1, 'cart', 0, 4);
         INSERT INTO sourced_group_types (group_id, type) VALUES (1, 'test.happened');
         INSERT INTO sourced_lanes (group_id, stream_id, head, acked, acked_seq, max_acked, ready, parked, attempts, last_error)
         VALUES (1, 1, 3, 1, 1, 1, 2, 0, 0, NULL), (1, 2, 4, 0, 0, 0, NULL, 1, 3, 'broken');
         {snapshot} {failure}"
    );
    execute(path, text).await.unwrap();
}

async fn everything_is_there(store: &Sqlite, has_snapshot: bool) {
    let (cart, a) = (group("cart"), stream("a"));
    let page = store.read_log(&ReadLog::new(Selection::all())).await;
    let log = page.unwrap().messages;
    assert_eq!(log.len(), 4);
    let all = store.read_stream(ReadStream::all(a.clone())).await;
    assert_eq!(all.unwrap(), log[..3]);
    let snapshot = store.snapshot(&cart.id, &a).await.unwrap();
    assert_eq!(snapshot.is_some(), has_snapshot);

    let parked = store.parked(&cart.id, None, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].attempts, 3);
    assert_eq!(parked[0].failure.error, "broken");
    assert_eq!(parked[0].failure.message, log[3].id);
    let b = &parked[0].stream;
    store.retry_parked(&cart.id, b, "mended").await.unwrap();

    let mut delivered = Vec::new();
    for claim in store.claim(&request("cart", 10)).await.unwrap() {
        for delivery in &claim.deliveries {
            assert!(!delivery.replaying);
            delivered.push(delivery.message.clone());
        }
        store.ack(ack_all(&claim)).await.unwrap();
    }
    assert_eq!(delivered, log[1..]);
    assert_eq!(store.groups().await.unwrap()[0].lag(), 0);
}

#[tokio::test]
async fn every_older_version_is_brought_up_to_date_with_all_it_holds() {
    for version in 1..SCHEMA_VERSION {
        let (_folder, path) = file();
        run(&path, 0, version).await.unwrap();
        populate(&path, version).await;
        let store = Sqlite::open(&path).await.unwrap();
        everything_is_there(&store, version >= 3).await;
    }
}

#[tokio::test]
async fn every_older_version_is_brought_up_to_date_by_hand() {
    for version in 1..SCHEMA_VERSION {
        let (_folder, path) = file();
        run(&path, 0, version).await.unwrap();
        populate(&path, version).await;
        run(&path, version, SCHEMA_VERSION).await.unwrap();
        let store = open_without_migrating(&path).await.unwrap();
        everything_is_there(&store, version >= 3).await;
    }
}

#[tokio::test]
async fn who_must_not_migrate_is_told_and_changes_nothing() {
    let told = |result: Result<Sqlite, BackendError>| match result.unwrap_err() {
        BackendError::Schema { found, known } => {
            assert_eq!(known, SCHEMA_VERSION);
            found
        }
        other => panic!("{other:?}"),
    };
    let (_folder, path) = file();
    assert!(open_without_migrating(&path).await.is_err());
    assert!(!path.exists());
    run(&path, 0, 2).await.unwrap();
    assert_eq!(told(open_without_migrating(&path).await), 2);
    assert_eq!(told(open_without_migrating(&path).await), 2);
    let newer = "UPDATE sourced_schema SET version = 1000".to_owned();
    execute(&path, newer).await.unwrap();
    assert_eq!(told(open_without_migrating(&path).await), 1000);
    let (_folder, path) = file();
    std::fs::File::create(&path).unwrap();
    assert_eq!(told(open_without_migrating(&path).await), 0);
}

#[tokio::test]
async fn sql_for_another_version_changes_nothing() {
    let (_folder, path) = file();
    run(&path, 0, 2).await.unwrap();
    for (from, to) in [(1, 3), (3, 4), (0, 1)] {
        assert!(run(&path, from, to).await.is_err(), "{from} to {to}");
    }
    run(&path, 2, SCHEMA_VERSION).await.unwrap();
    open_without_migrating(&path).await.unwrap();
}

#[test]
fn there_is_no_way_back_nor_beyond() {
    for (prefix, from, to) in [
        ("sourced_", 3, 2),
        ("sourced_", -1, 2),
        ("sourced_", 0, SCHEMA_VERSION + 1),
        ("a\"b", 0, 1),
    ] {
        assert!(migration_sql(prefix, from, to).is_err());
    }
}
