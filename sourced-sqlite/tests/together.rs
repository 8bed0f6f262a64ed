//! Many callers in one transaction: each is told what became of its own.

mod common;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{join, join_all, join3};
use sourced::backend::{
    AppendError, Appended, Claims as _, Column, ColumnType, Documents as _, Groups as _, Log as _,
    Mark, Nulls, ReadStream, Refusal, RowChanges, RowQuery, Store as _, SyncAction, Table,
    Tables as _, Tx, Value,
};
use sourced::message::Payload;
use sourced::{ExpectedSeq, Failure, Seq};
use sourced_sqlite::Sqlite;

use common::{ack_all, append, claim, file, group, request, stream};

/// Writes a document, and asks for nothing.
#[derive(Debug)]
struct Put(String);

#[async_trait]
impl SyncAction for Put {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("done", &self.0, &1).await
    }
}

#[expect(clippy::unwrap_used, reason = "it fails the test")]
async fn length(store: &Sqlite, name: &str) -> usize {
    let read = store.read_stream(ReadStream::all(stream(name))).await;
    read.unwrap().len()
}

#[tokio::test]
async fn same_id_once_among_others() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let stored = append("stored", 2);
    let first = store.append(vec![stored.clone()]).await.unwrap();
    let twin = append("twin", 3);
    let (new, again, (one, other)) = join3(
        store.append(vec![append("new", 1)]),
        store.append(vec![stored.clone()]),
        join(store.append(vec![twin.clone()]), store.append(vec![twin])),
    )
    .await;
    assert!(!new.unwrap()[0].already_stored);
    let again = again.unwrap();
    let places = |appended: &[Appended]| -> Vec<_> {
        appended
            .iter()
            .map(|at| (at.id, at.seq, at.position))
            .collect()
    };
    assert!(again.iter().all(|at| at.already_stored));
    assert_eq!(places(&again), places(&first));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(places(&one), places(&other));
    assert_ne!(one[0].already_stored, other[0].already_stored);
    for (name, n_messages) in [("stored", 2), ("new", 1), ("twin", 3)] {
        assert_eq!(length(&store, name).await, n_messages, "{name}");
    }
    // A retry is recognised also where its expectation has come true by itself.
    let mut retry = stored;
    retry.expected = ExpectedSeq::NoStream;
    assert_eq!(
        places(&store.append(vec![retry]).await.unwrap()),
        places(&first)
    );
}

#[tokio::test]
async fn one_winner_in_one_transaction() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    let rivals = (0..8).map(|_| {
        let mut rival = append("cart", 2);
        rival.expected = ExpectedSeq::NoStream;
        store.append(vec![append("beside", 1), rival])
    });
    let outcomes = join_all(rivals).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for error in outcomes.into_iter().filter_map(Result::err) {
        assert!(
            matches!(&error, AppendError::Conflict { stream, .. } if stream.as_str() == "cart"),
            "{error:?}"
        );
    }
    // What lost has left nothing behind, in its other stream either.
    assert_eq!(length(&store, "cart").await, 2);
    assert_eq!(length(&store, "beside").await, 1);
}

#[tokio::test]
async fn acknowledgements_at_the_same_time_are_stored_or_fenced_each_by_itself() {
    let (_folder, path) = file();
    let store = Sqlite::open(&path).await.unwrap();
    store.register_group(&group("all")).await.unwrap();
    for n in 0..20 {
        // More than one claim of a lane, so that it is ready again after the first.
        store
            .append(vec![append(&format!("cart-{n}"), 12)])
            .await
            .unwrap();
    }
    let claims = store.claim(&request("all", 20)).await.unwrap();
    assert_eq!(claims.len(), 20);
    let acks = claims.iter().enumerate().map(|(n, claim)| {
        let mut ack = ack_all(claim);
        let name = format!("result-{n}");
        ack.appends.push(append(&name, 1));
        ack.refusals.push(Refusal {
            command: claim.deliveries[0].message.id,
            reason: "no".to_owned(),
        });
        ack.syncs.push(Arc::new(Put(name)));
        if n == 7 {
            ack.appends[0].expected = ExpectedSeq::Exactly(Seq::FIRST);
        }
        ack
    });
    // Each claim is shown twice at the same time.
    let twice = acks
        .flat_map(|ack| [ack.clone(), ack])
        .map(|ack| store.ack(ack));
    let outcomes = join_all(twice).await;
    for (n, both) in outcomes.chunks(2).enumerate() {
        let name = format!("result-{n}");
        let document: Option<Payload> = store.document("done", &name).await.unwrap();
        let refusal = store
            .refusal(claims[n].deliveries[0].message.id)
            .await
            .unwrap();
        let is_conflict = n == 7;
        assert_eq!(document.is_some(), !is_conflict, "{name}");
        assert_eq!(refusal.is_some(), !is_conflict, "{name}");
        assert_eq!(length(&store, &name).await, usize::from(!is_conflict));
        match both {
            [Ok(_), Err(error)] | [Err(error), Ok(_)] => {
                assert!(error.is_fenced() && !is_conflict, "{error:?}");
            }
            [Err(one), Err(other)] => {
                assert!(is_conflict && one.is_conflict() && other.is_conflict());
            }
            other => panic!("{other:?}"),
        }
    }
    // The rest of each lane is ready, and the one that lost is still held.
    let rest = store.claim(&request("all", 60)).await.unwrap();
    let of_carts = rest
        .iter()
        .filter(|claim| claim.key.stream.as_str().starts_with("cart-"));
    let sizes: Vec<usize> = of_carts.map(|claim| claim.deliveries.len()).collect();
    assert_eq!(sizes, [2; 19]);
    store.ack(ack_all(&claims[7])).await.unwrap();
    let last = claim(&store, &request("all", 1)).await;
    assert_eq!(last.key.stream, claims[7].key.stream);
}

/// Counts in a row of its own, or panics when it has read it.
#[derive(Debug)]
struct Count {
    id: i64,
    panics: bool,
}

fn counts() -> Table {
    let column = |name, mark| Column {
        name,
        of: ColumnType::Integer,
        nulls: Nulls::Refused,
        mark,
    };
    Table {
        name: "counts",
        version: 1,
        columns: vec![column("id", Mark::Key), column("n", Mark::Plain)],
    }
}

#[async_trait]
impl SyncAction for Count {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let id = Value::Integer(self.id);
        tx.read_rows(&counts(), &[vec![id.clone()]]).await?;
        assert!(!self.panics, "a sync action that panics");
        let created = vec![vec![id, Value::Integer(1)]];
        let changes = RowChanges {
            created,
            ..RowChanges::default()
        };
        tx.change_rows(&counts(), &changes).await
    }
}

#[tokio::test]
async fn a_panic_with_rows_at_hand_is_that_of_its_own_acknowledgement() {
    for n_others in [0, 2] {
        let (_folder, path) = file();
        let store = Sqlite::open(&path).await.unwrap();
        let group = group("all");
        store.register_group(&group).await.unwrap();
        store.ensure_table(&counts(), &group.id).await.unwrap();
        let n_acks = n_others + 1;
        for id in 0..n_acks {
            let append = append(&format!("cart-{id}"), 1);
            store.append(vec![append]).await.unwrap();
        }
        let claims = store.claim(&request("all", n_acks)).await.unwrap();
        let acks = claims.iter().zip(0..).map(|(claim, id)| {
            let mut ack = ack_all(claim);
            let panics = id == 0;
            ack.syncs.push(Arc::new(Count { id, panics }));
            store.ack(ack)
        });
        let acked = join_all(acks).await;
        let acked: Vec<bool> = acked.iter().map(Result::is_ok).collect();
        let expected: Vec<bool> = (0..n_acks).map(|id| id > 0).collect();
        assert_eq!(acked, expected);
        let rows = store.rows(&counts(), &RowQuery::default()).await.unwrap();
        assert_eq!(rows.len(), n_others);
        // Whoever writes is still there.
        store.append(vec![append("after", 1)]).await.unwrap();
    }
}
