//! What only SQLite can get wrong: the file, the one writer, several processes.

mod support;

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::{join_all, join3};
use sourced::backend::{
    BackendError, Claims as _, Documents as _, Groups as _, ReadStream, Store as _, SyncAction, Tx,
    Wake as _,
};
use sourced::{ExpectedSeq, Failure};
use sourced_sqlite::{Sqlite, SqliteTx as _};
use sqlx::{Connection as _, Row as _, SqliteConnection};

use support::{ack_all, append, claim, event, file, group, raw, request, stream};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_may_create_one_file_at_once() {
    let (_folder, path) = file();
    let opened = join_all((0..8).map(|_| tokio::spawn(Sqlite::open(path.clone())))).await;
    let stores: Vec<_> = opened
        .into_iter()
        .map(|store| store.unwrap().unwrap())
        .collect();
    for store in &stores {
        store.append(vec![append("cart", 1)]).await.unwrap();
    }
    let messages = stores[0].read_stream(ReadStream::all(stream("cart"))).await;
    assert_eq!(messages.unwrap().len(), 8);
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
                known: 1
            }
        ),
        "{error:?}"
    );
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
    let builder = Sqlite::builder().busy_timeout(Duration::from_millis(20));
    assert!(builder.open(missing).await.unwrap_err().is_transient());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_share_a_file_never_claim_the_same_lane() {
    let (_folder, path) = file();
    let stores = [
        Sqlite::open(&path).await.unwrap(),
        Sqlite::open(&path).await.unwrap(),
    ];
    stores[0].register_group(&group("all")).await.unwrap();
    for n in 0..60 {
        stores[0]
            .append(vec![append(&format!("cart-{n}"), 1)])
            .await
            .unwrap();
    }
    let claiming = stores.map(|store| {
        tokio::spawn(async move {
            let request = request("all", 3);
            let mut mine = Vec::new();
            loop {
                let claims = store.claim(&request).await.unwrap();
                if claims.is_empty() {
                    return mine;
                }
                for claim in claims {
                    mine.push(claim.key.stream.clone());
                    store.ack(ack_all(&claim)).await.unwrap();
                }
            }
        })
    });
    let mut claimed = Vec::new();
    for task in claiming {
        claimed.extend(task.await.unwrap());
    }
    claimed.sort();
    let n_claimed = claimed.len();
    claimed.dedup();
    assert_eq!((claimed.len(), n_claimed), (60, 60));
}

#[tokio::test]
async fn commits_of_others_raise_the_signal() {
    let (_folder, path) = file();
    let here = Sqlite::open(&path).await.unwrap();
    let there = Sqlite::open(&path).await.unwrap();
    let mut signal = here.signal();
    // The first look at the file has nothing to compare with, so it may miss the first commit.
    let appending = async {
        loop {
            there.append(vec![append("cart", 1)]).await.unwrap();
        }
    };
    tokio::select! {
        () = signal.raised() => {}
        () = appending => {}
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
    store.append(vec![append("bad", 1)]).await.unwrap();
    store.append(vec![append("good", 1)]).await.unwrap();
    raw(
        &path,
        "UPDATE sourced_messages SET metadata = 'no json' WHERE position = 1",
    )
    .await;
    let claims = store.claim(&request("all", 5)).await.unwrap();
    let streams: Vec<_> = claims
        .iter()
        .map(|claim| claim.key.stream.as_str())
        .collect();
    assert_eq!(streams, ["good"]);
    let lane = store
        .lane(&group("all").id, &stream("bad"))
        .await
        .unwrap()
        .unwrap();
    assert!(lane.parked);
    assert!(lane.last_error.unwrap().contains("metadata at position 1"));
    let error = store
        .read_stream(ReadStream::all(stream("bad")))
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::Corrupt(_)), "{error:?}");
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
    for size in [1, 2, 7, 8, 9, 63, 64, 65, 137] {
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

/// Run by the next test in a process of its own; it never ends by itself.
#[tokio::test]
#[ignore = "a child process of `what_was_acknowledged_survives_a_kill`"]
async fn child() {
    let path = std::env::var("SOURCED_SQLITE_CHILD").unwrap();
    let store = Sqlite::open(path).await.unwrap();
    let writers = (0..4).map(|writer| {
        let store = store.clone();
        async move {
            for n in 0_u64.. {
                let append = append(&format!("w-{writer}"), 2);
                let id = append.messages[1].id;
                store.append(vec![append]).await.unwrap();
                println!("\nacked {id} {n}");
            }
        }
    });
    join_all(writers).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let (_folder, path) = file();
    let mut acked = Vec::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env("SOURCED_SQLITE_CHILD", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines {
            let line = line.unwrap();
            let mut words = line.split(' ');
            if words.next() == Some("acked") {
                acked.push(words.next().unwrap().parse::<uuid::Uuid>().unwrap());
            }
            if acked.len() >= round * 100 {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let store = Sqlite::open(&path).await.unwrap();
    for id in acked {
        assert!(
            store.find(id.into()).await.unwrap().is_some(),
            "{id} is lost"
        );
    }
    for writer in 0..4 {
        let name = stream(&format!("w-{writer}"));
        let messages = store.read_stream(ReadStream::all(name)).await.unwrap();
        // Two by two, without a hole.
        assert_eq!(messages.len() % 2, 0);
        let seqs = messages.iter().map(|message| message.seq.get());
        assert!(seqs.eq(1..=messages.len() as u64));
    }
    let mut connection = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let row = sqlx::query("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await;
    assert_eq!(row.unwrap().get::<&str, _>(0), "ok");
}

#[tokio::test]
async fn a_lost_file_lock_is_transient() {
    let (_folder, path) = file();
    let builder = Sqlite::builder().busy_timeout(Duration::from_millis(10));
    let store = builder.open(&path).await.unwrap();
    let mut other = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut refused = append("cart", 1);
    refused.expected = ExpectedSeq::NoStream;
    let error = store.append(vec![refused.clone()]).await.unwrap_err();
    assert!(
        matches!(&error, sourced::backend::AppendError::Backend(error) if error.is_transient()),
        "{error:?}"
    );
    lock.rollback().await.unwrap();
    store.append(vec![refused]).await.unwrap();
}
