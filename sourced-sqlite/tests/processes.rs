//! Several that share a file: as many handles, or as many processes.

mod common;

use std::time::Duration;

use futures_util::future::join_all;
use sourced::ExpectedSeq;
use sourced::backend::{Claims as _, Groups as _, Log as _, ReadStream, Store as _, Wake as _};
use sourced_sqlite::Sqlite;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use common::{ack_all, append, file, group, request, stream};

#[tokio::test]
async fn eight_may_create_one_file_at_once() {
    let (_folder, path) = file();
    let opened = join_all((0..8).map(|_| Sqlite::open(&path))).await;
    let stores: Vec<_> = opened.into_iter().map(|store| store.unwrap()).collect();
    for store in &stores {
        store.append(vec![append("cart", 1)]).await.unwrap();
    }
    let messages = stores[0].read_stream(ReadStream::all(stream("cart"))).await;
    assert_eq!(messages.unwrap().len(), 8);
}

#[tokio::test]
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
    let claiming = stores.iter().map(async |store| {
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
    });
    let mut claimed = join_all(claiming).await.concat();
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
/// Run by the next test in a process of its own; it never ends by itself.
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
