//! Documents: read one by one and in pages, written by sync actions.

use std::sync::Arc;

use sourced::backend::{AckError, Backend, BackendError, KeyError, MAX_KEY_BYTES, SyncAction};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{DOCS, PutJson, Step, doc, steps};

pub async fn what_is_not_there_is_none<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    assert_eq!(store.document(DOCS, "k").await.unwrap(), None);
    assert_eq!(store.documents(DOCS, None, 10).await.unwrap(), []);
}

pub async fn the_last_write_of_a_key_stays<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    write(&store, [steps([Step::Put("k", 1), Step::Put("l", 1)])]).await;
    write(&store, [steps([Step::Put("k", 2)])]).await;
    assert_eq!(doc(&store, "k").await, Some(2));
    assert_eq!(doc(&store, "l").await, Some(1));
    write(&store, [steps([Step::Delete("k"), Step::Delete("none")])]).await;
    assert_eq!(doc(&store, "k").await, None);
    assert_eq!(store.documents(DOCS, None, 10).await.unwrap().len(), 1);
}

pub async fn values_are_kept_byte_for_byte<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let texts = [
        "null",
        "-0.0",
        "18446744073709551615",
        r#"{"text":"Straße 🛒 \u0000 \"'\\"}"#,
        "[[],{},[{\"a\":[]}]]",
    ];
    let puts = texts
        .iter()
        .zip(0..)
        .map(|(text, n)| put(DOCS, &format!("k-{n}"), text));
    write(&store, puts.collect::<Vec<_>>()).await;
    for (n, text) in texts.iter().enumerate() {
        let value = store.document(DOCS, &format!("k-{n}")).await.unwrap();
        assert_eq!(value.unwrap().as_str(), *text);
    }
    let page = store.documents(DOCS, None, 10).await.unwrap();
    let found: Vec<_> = page
        .iter()
        .map(|document| document.value.as_str())
        .collect();
    assert_eq!(found, texts);
}

pub async fn pages_have_the_byte_order_of_keys<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut keys = [
        "b", "a", "B", "a-1", "a_1", "a 1", "10", "9", "é", "z", "🛒", "", "Z",
    ];
    let puts = keys.map(|key| put(DOCS, key, "1"));
    write(&store, puts).await;
    keys.sort_unstable();
    assert_eq!(page(&store, None, 100).await, keys);
    let mut found: Vec<String> = Vec::new();
    loop {
        let next = page(&store, found.last().map(String::as_str), 4).await;
        assert!(next.len() <= 4);
        if next.is_empty() {
            break;
        }
        found.extend(next);
    }
    assert_eq!(found, keys);
    // The key to go on from need not exist.
    assert_eq!(page(&store, Some("a!"), 2).await, ["a-1", "a_1"]);
    assert_eq!(page(&store, None, 0).await, [""; 0]);
}

pub async fn collections_are_kept_apart<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    write(
        &store,
        [
            put("one", "k", "1"),
            put("two", "k", "2"),
            put("One", "k", "3"),
        ],
    )
    .await;
    for (collection, expected) in [("one", "1"), ("two", "2"), ("One", "3")] {
        let value = store.document(collection, "k").await.unwrap().unwrap();
        assert_eq!(value.as_str(), expected);
        assert_eq!(
            store.documents(collection, None, 10).await.unwrap().len(),
            1
        );
    }
}

pub async fn a_key_that_no_backend_keeps_is_refused_by_name<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let room = MAX_KEY_BYTES - DOCS.len();
    let (longest, too_long) = ("é".repeat(room / 2), "x".repeat(room + 1));
    write(&store, [put(DOCS, &longest, "1")]).await;
    assert_eq!(page(&store, None, 10).await, std::slice::from_ref(&longest));
    assert_eq!(page(&store, Some(&longest), 10).await, [""; 0]);
    let worker = Worker::of(&store, "writer").await;
    append(&store, "writer", [event()]).await;
    let claim = worker.claim(&store).await;
    for (collection, key) in [
        (DOCS, &*too_long),
        (DOCS, "a\0b"),
        ("a\0b", "k"),
        (&too_long, &too_long),
    ] {
        let mut ack = ack_all(&claim);
        ack.syncs = vec![put(collection, key, "1")];
        let Err(AckError::Sync(failure)) = store.ack(ack).await else {
            panic!("{collection} {key}")
        };
        assert!(failure.find::<KeyError>().is_some(), "{failure:?}");
        assert!(failure.is_permanent());
        let read = store.document(collection, key).await;
        assert!(matches!(read, Err(BackendError::Refused(_))), "{read:?}");
        let read = store.documents(collection, Some(key), 10).await;
        assert!(matches!(read, Err(BackendError::Refused(_))), "{read:?}");
    }
    // The claim is still held, and what is left out hurts nobody.
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(store.documents(DOCS, None, 10).await.unwrap().len(), 1);
}

fn put(collection: &str, key: &str, json: &str) -> Arc<dyn SyncAction> {
    Arc::new(PutJson {
        collection: collection.to_owned(),
        key: key.to_owned(),
        json: json.to_owned(),
    })
}

/// Runs these inside an acknowledgement.
async fn write(store: &impl Backend, syncs: impl Into<Vec<Arc<dyn SyncAction>>>) {
    let worker = Worker::of(store, "writer").await;
    append(store, "writer", [event()]).await;
    let mut ack = ack_all(&worker.claim(store).await);
    ack.syncs = syncs.into();
    store.ack(ack).await.unwrap();
}

async fn page(store: &impl Backend, after: Option<&str>, limit: usize) -> Vec<String> {
    let page = store.documents(DOCS, after, limit).await.unwrap();
    page.into_iter().map(|document| document.key).collect()
}
