//! What only SQLite can get wrong: the file, the one writer, several processes.

mod common;

use async_trait::async_trait;
use futures_util::future::{join_all, join3};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use sourced::backend::{
    BackendError, Claims as _, Column, ColumnType, Documents as _, Groups as _, Log as _, Mark,
    Nulls, ReadLog, ReadStream, Schedules as _, Store as _, SyncAction, Table, Tx,
};
use sourced::{Failure, Metadata, Reader, Selection};
use sourced_sqlite::{SCHEMA_VERSION, Sqlite, SqliteTx as _};
use sqlx::{Connection as _, Row as _, SqliteConnection};

use common::{ack_all, append, claim, event, file, group, raw, request, scheduled, stream};

#[tokio::test]
async fn a_file_is_opened_again_with_all_it_holds() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.append(vec![append("cart", 3)]).await.unwrap();
    drop(store);
    for _ in 0..2 {
        let store = Sqlite::open(&path).await.unwrap();
        let messages = store.read_stream(ReadStream::all(stream("cart"))).await;
        assert_eq!(messages.unwrap().len(), 3);
    }
}

#[derive(Debug)]
struct CallsTheStore(Sqlite);

#[async_trait]
impl SyncAction for CallsTheStore {
    async fn run(&self, _tx: &mut Tx<'_>) -> Result<(), Failure> {
        self.0.append(vec![append("other", 1)]).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_sync_action_that_would_wait_for_its_own_writer_fails_and_blocks_nobody() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.register_group(&group("g")).await.unwrap();
    store.append(vec![append("cart", 1)]).await.unwrap();
    let claim = claim(&store, &request("g", 1)).await;
    let mut ack = ack_all(&claim);
    ack.syncs = vec![std::sync::Arc::new(CallsTheStore(store.clone()))];
    let error = store.ack(ack).await.unwrap_err().to_string();
    assert!(error.contains("`Tx`"), "{error}");
    store.append(vec![append("cart", 1)]).await.unwrap();
    let other = store.read_stream(ReadStream::all(stream("other"))).await;
    assert_eq!(other.unwrap(), []);
    store.ack(ack_all(&claim)).await.unwrap();
}

/// `Table::check` has them in a list.
#[tokio::test]
async fn no_read_model_may_be_called_as_a_table_of_its_own() {
    let (_folder, path) = file();
    drop(Sqlite::open(&path).await.unwrap());
    let mut connection = SqliteConnection::connect(&path.to_string_lossy())
        .await
        .unwrap();
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT substr(name, 9) FROM sqlite_master WHERE type IN ('table', 'view') AND name LIKE 'sourced!_%' ESCAPE '!'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert!(names.len() > 15);
    for name in names {
        let mut table = read_model();
        table.name = Box::leak(name.into_boxed_str());
        assert!(table.check().is_err(), "{}", table.name);
    }
}

fn read_model() -> Table {
    let column = Column {
        name: "id",
        of: ColumnType::Text,
        nulls: Nulls::Refused,
        mark: Mark::Key,
    };
    Table {
        name: "books",
        version: 1,
        columns: vec![column],
    }
}

#[tokio::test]
async fn a_reader_sees_what_others_write_and_writes_nothing() {
    let (_folder, path) = file();
    let error = Sqlite::open_read_only(&path).await.unwrap_err();
    assert!(matches!(error, BackendError::Unavailable(_)), "{error:?}");
    assert!(!path.exists());

    let store = Sqlite::open(&path).await.unwrap();
    let reader = Reader::new(Sqlite::open_read_only(&path).await.unwrap());
    let mut live = reader.log(Selection::all()).follow();
    store.append(vec![append("cart", 2)]).await.unwrap();
    let seen: Vec<_> = live.by_ref().take(2).try_collect().await.unwrap();
    // Nobody tells it of more: it looks again.
    store.append(vec![append("cart", 1)]).await.unwrap();
    let third = live.try_next().await.unwrap().unwrap();
    assert_eq!((seen[1].seq.get(), third.seq.get()), (2, 3));
    assert_eq!(reader.document::<u64>("none", "none").await.unwrap(), None);

    drop(store);
    raw(&path, "UPDATE sourced_schema SET version = 1").await;
    let error = Sqlite::open_read_only(&path).await.unwrap_err();
    assert!(
        matches!(
            error,
            BackendError::Schema {
                found: 1,
                known: SCHEMA_VERSION
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_folder, path) = file();
    drop(Sqlite::open(&path).await.unwrap());
    raw(&path, "UPDATE sourced_schema SET version = 1000").await;
    let error = Sqlite::open(&path).await.unwrap_err();
    assert!(
        matches!(
            error,
            BackendError::Schema {
                found: 1000,
                known: SCHEMA_VERSION
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_of_version_1_is_brought_up_to_date_with_all_it_holds() {
    let (_folder, path) = file();
    // An empty file is an empty database.
    std::fs::File::create(&path).unwrap();
    let first = include_str!("../migrations/0001_start.sql");
    let version = "CREATE TABLE sourced_schema (version INTEGER NOT NULL) STRICT;
        INSERT INTO sourced_schema (version) VALUES (1);
        INSERT INTO sourced_streams (name, version, last_event_seq) VALUES ('cart', 1, 1);
        INSERT INTO sourced_messages (stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, payload)
        VALUES (1, 1, zeroblob(16), 'event', 'test.happened', zeroblob(16), zeroblob(16), 0, '{}');";
    raw(
        &path,
        &format!("PRAGMA journal_mode = WAL; {first} {version}"),
    )
    .await;
    let store = Sqlite::open(&path).await.unwrap();
    let later = vec![scheduled("cart")];
    store.schedule(Vec::new(), later).await.unwrap();
    assert_eq!(store.promote(10).await.unwrap().promoted, 1);
    let messages = store.read_stream(ReadStream::all(stream("cart"))).await;
    assert_eq!(messages.unwrap().len(), 2);
}

#[tokio::test]
async fn a_damaged_scheduled_message_is_set_aside_alone() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let all: Vec<_> = (0..3).map(|_| scheduled("cart")).collect();
    let damaged = all[1].message.id;
    store.schedule(Vec::new(), all).await.unwrap();
    raw(
        &path,
        "UPDATE sourced_scheduled SET type = 'no type' WHERE nth = 2",
    )
    .await;
    assert_eq!(store.scheduled(None, 10).await.unwrap().len(), 2);
    let promotion = store.promote(10).await.unwrap();
    assert_eq!((promotion.promoted, promotion.set_aside), (2, 1));
    let aside = store.set_aside(10).await.unwrap();
    assert_eq!(aside[0].id, damaged);
    assert!(aside[0].error.contains("type name"), "{}", aside[0].error);
}

#[tokio::test]
async fn a_prefix_is_checked_and_keeps_two_stores_of_one_file_apart() {
    let (_folder, path) = file();
    for bad in [
        "",
        "1st_",
        "a-b",
        "a b",
        "x; DROP TABLE y",
        "sqlite_x",
        "é",
        &"x".repeat(32),
    ] {
        let error = Sqlite::builder()
            .table_prefix(bad)
            .open(&path)
            .await
            .unwrap_err();
        assert!(
            matches!(error, BackendError::Refused(_)),
            "{bad:?}: {error:?}"
        );
    }
    let shop = Sqlite::builder()
        .table_prefix("shop_")
        .open(&path)
        .await
        .unwrap();
    let other = Sqlite::builder()
        .table_prefix("_Other2")
        .open(&path)
        .await
        .unwrap();
    shop.append(vec![append("cart", 1)]).await.unwrap();
    assert_eq!(other.log_end().await.unwrap().get(), 0);
    assert_eq!(shop.log_end().await.unwrap().get(), 1);
}

#[tokio::test]
async fn a_path_is_always_a_file() {
    for bad in ["", ":memory:"] {
        let error = Sqlite::open(bad).await.unwrap_err();
        assert!(
            matches!(error, BackendError::Refused(_)),
            "{bad:?}: {error:?}"
        );
    }
    let (folder, _) = file();
    let missing = folder.path().join("missing").join("store.db");
    assert!(Sqlite::open(missing).await.unwrap_err().is_transient());
    let rubbish = folder.path().join("rubbish.db");
    std::fs::write(
        &rubbish,
        "no database at all, but long enough to have a header".repeat(20),
    )
    .unwrap();
    let error = Sqlite::open(rubbish).await.unwrap_err();
    assert!(matches!(error, BackendError::Corrupt(_)), "{error:?}");
}

#[derive(Debug)]
enum Act {
    Fail,
    Panic,
    EndTheTransaction,
    Nested,
}

#[async_trait]
impl SyncAction for Act {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("acts", format!("{self:?}"), &1).await?;
        match self {
            Self::Fail => Err(Failure::msg("no")),
            Self::Panic => panic!("a sync action that panics"),
            Self::EndTheTransaction => {
                sqlx::query("ROLLBACK").execute(tx.sqlite()?).await?;
                Ok(())
            }
            Self::Nested => {
                // Dropped, so rolled back, and nothing else with it.
                let mut nested = tx.sqlite()?.begin().await?;
                sqlx::query("DELETE FROM sourced_documents")
                    .execute(&mut *nested)
                    .await?;
                Ok(())
            }
        }
    }
}

#[tokio::test]
async fn a_job_that_fails_leaves_the_others_of_its_batch_alone() {
    for (act, is_stored) in [(Act::Fail, false), (Act::Panic, false), (Act::Nested, true)] {
        let (_folder, path) = file();
        let store = Sqlite::open(&path).await.unwrap();
        store.register_group(&group("all")).await.unwrap();
        store.append(vec![append("cart", 1)]).await.unwrap();
        let claim = claim(&store, &request("all", 1)).await;
        let name = format!("{act:?}");
        let mut ack = ack_all(&claim);
        ack.syncs.push(std::sync::Arc::new(act));
        ack.appends.push(append("result", 1));
        // All three are sent before the task has begun.
        let (before, acked, after) = join3(
            store.append(vec![append("before", 1)]),
            store.ack(ack),
            store.append(vec![append("after", 1)]),
        )
        .await;
        before.unwrap();
        after.unwrap();
        assert_eq!(acked.is_ok(), is_stored, "{acked:?}");
        let document = store.document("acts", &name).await.unwrap();
        assert_eq!(document.is_some(), is_stored);
        for (name, n_messages) in [
            ("before", 1),
            ("after", 1),
            ("result", usize::from(is_stored)),
        ] {
            let messages = store
                .read_stream(ReadStream::all(stream(name)))
                .await
                .unwrap();
            assert_eq!(messages.len(), n_messages, "{name}");
        }
        // Still held after a failure, and given back after a success.
        assert_eq!(store.ack(ack_all(&claim)).await.is_ok(), !is_stored);
    }
}

#[tokio::test]
async fn nothing_is_reported_as_stored_when_the_transaction_is_lost() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.register_group(&group("all")).await.unwrap();
    store.append(vec![append("cart", 1)]).await.unwrap();
    let claim = claim(&store, &request("all", 1)).await;
    let mut ack = ack_all(&claim);
    ack.appends.push(append("result", 1));
    ack.syncs.push(std::sync::Arc::new(Act::EndTheTransaction));
    let (before, acked, after) = join3(
        store.append(vec![append("before", 1)]),
        store.ack(ack),
        store.append(vec![append("after", 1)]),
    )
    .await;
    let failed = [before.is_err(), acked.is_err(), after.is_err()];
    let stored = store.log_end().await.unwrap().get() - 1;
    let n_succeeded = u64::from(!failed[0]) + u64::from(!failed[2]);
    assert!(failed[1]);
    assert_eq!(stored, n_succeeded);
    // The task has opened the connection again, and the claim is still held.
    store.append(vec![append("later", 1)]).await.unwrap();
    store.ack(ack_all(&claim)).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    for round in 0..20 {
        let name = format!("cart-{round}");
        let going = store.append(vec![append(&name, 3), append(&format!("{name}-b"), 2)]);
        assert!(going.now_or_never().is_none());
        // Jobs are done in order, so whatever becomes of the other one has become of it now.
        store.append(vec![append("end", 1)]).await.unwrap();
        let stored = join_all([name.clone(), format!("{name}-b")].map(async |name| {
            let messages = store.read_stream(ReadStream::all(stream(&name))).await;
            messages.unwrap().len()
        }));
        let stored = stored.await;
        assert!(stored == [3, 2] || stored == [0, 0], "{stored:?}");
    }
}

#[tokio::test]
async fn looking_for_work_in_vain_writes_nothing() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.register_group(&group("all")).await.unwrap();
    store.append(vec![append("cart", 1)]).await.unwrap();
    let claim = claim(&store, &request("all", 1)).await;
    store.ack(ack_all(&claim)).await.unwrap();
    let mut watcher = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let mut version = async || -> i64 {
        let row = sqlx::query("PRAGMA data_version")
            .fetch_one(&mut watcher)
            .await;
        row.unwrap().get(0)
    };
    let before = version().await;
    for _ in 0..10 {
        assert!(store.claim(&request("all", 5)).await.unwrap().is_empty());
        assert_eq!(store.pending_lanes(&[group("all").id]).await.unwrap(), 0);
    }
    assert_eq!(version().await, before);
}

#[tokio::test]
async fn a_damaged_message_parks_its_own_lane_only() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.register_group(&group("all")).await.unwrap();
    store.append(vec![append("bad", 3)]).await.unwrap();
    store.append(vec![append("good", 2)]).await.unwrap();
    let damage = "UPDATE sourced_messages SET metadata = 'no json' WHERE position = 2";
    raw(&path, damage).await;

    // What comes before the damage is handled, what comes after it waits.
    let claims = store.claim(&request("all", 5)).await.unwrap();
    let sizes = claims.iter().map(|claim| claim.deliveries.len());
    assert_eq!(sizes.collect::<Vec<_>>(), [1, 2]);
    for claim in &claims {
        store.ack(ack_all(claim)).await.unwrap();
    }
    assert!(store.claim(&request("all", 5)).await.unwrap().is_empty());
    let lane = store.lane(&group("all").id, &stream("bad")).await;
    let lane = lane.unwrap().unwrap();
    assert!(lane.parked);
    assert!(
        lane.last_error()
            .unwrap()
            .contains("position 2 cannot be read (metadata)")
    );
    let read = store.read_stream(ReadStream::all(stream("bad"))).await;
    assert!(
        matches!(read, Err(BackendError::Unreadable { .. })),
        "{read:?}"
    );
}

#[tokio::test]
async fn empty_names_and_line_breaks_in_them_are_damage() {
    for damage in [
        "UPDATE sourced_streams SET name = name || char(10)",
        "UPDATE sourced_streams SET name = name || char(10) || 'group'",
        "UPDATE sourced_messages SET type = type || char(10)",
        "UPDATE sourced_messages SET decided_by = ''",
        "UPDATE sourced_messages SET decided_by = 'group' || char(10)",
        "UPDATE sourced_messages SET metadata = ''",
        "UPDATE sourced_messages SET metadata = CAST(x'ff' AS TEXT)",
        "UPDATE sourced_messages SET payload = CAST(x'ff' AS TEXT)",
        "UPDATE sourced_messages SET causation_id = x'00'",
    ] {
        let (_folder, path) = file();
        let store = Sqlite::open(&path).await.unwrap();
        store.append(vec![append("cart", 1)]).await.unwrap();
        raw(&path, damage).await;
        let read = store.read_log(&ReadLog::new(Selection::all())).await;
        assert!(
            matches!(read, Err(BackendError::Unreadable { .. })),
            "{damage}: {read:?}"
        );
    }
}

#[tokio::test]
async fn metadata_may_be_laid_out_by_hand() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.append(vec![append("cart", 1)]).await.unwrap();
    let edit =
        r#"UPDATE sourced_messages SET metadata = '{' || char(10) || '"a": 1' || char(10) || '}'"#;
    raw(&path, edit).await;
    let read = store.read_stream(ReadStream::all(stream("cart"))).await;
    let read = read.unwrap();
    assert_eq!(read[0].metadata, Metadata::new().with("a", 1));
}

#[tokio::test]
async fn a_long_log_is_sorted_in_several_steps_but_one_claim() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let others = (0..6_000).map(|_| event("test.other")).collect();
    let mut long = append("long", 0);
    long.messages = others;
    store.append(vec![long]).await.unwrap();
    store.append(vec![append("cart", 1)]).await.unwrap();
    store.register_group(&group("all")).await.unwrap();
    assert_eq!(store.pending_lanes(&[group("all").id]).await.unwrap(), 1);
    let claim = claim(&store, &request("all", 1)).await;
    assert_eq!(claim.key.stream, stream("cart"));
}

#[tokio::test]
async fn every_size_of_append_gets_its_places() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let mut end = 0;
    for size in [1, 2, 7, 8, 9, 63, 64, 65, 137, 255, 600] {
        let appended = store
            .append(vec![append(&format!("s-{size}"), size)])
            .await
            .unwrap();
        let places: Vec<_> = appended
            .iter()
            .map(|at| (at.seq.get(), at.position.get()))
            .collect();
        let expected: Vec<_> = (1..=size as u64).map(|seq| (seq, end + seq)).collect();
        assert_eq!(places, expected);
        end += size as u64;
        let read = store
            .read_stream(ReadStream::all(stream(&format!("s-{size}"))))
            .await
            .unwrap();
        let ids: Vec<_> = read.iter().map(|message| message.id).collect();
        assert_eq!(ids, appended.iter().map(|at| at.id).collect::<Vec<_>>());
    }
}
