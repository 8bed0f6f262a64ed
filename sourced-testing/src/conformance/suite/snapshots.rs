//! Snapshots: one for each actor and stream, the newest.

use sourced::backend::{
    Backend, BackendError, LimitExceeded, Limits, Snapshot, Snapshots as _, Truncation, Upkeep as _,
};
use sourced::{MessageId, Payload};
use uuid::Uuid;

use super::super::Harness;
use super::super::fixtures::*;

pub async fn what_is_not_there_is_none<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    assert_eq!(get(&store, "cart", "a").await, None);
    // Nothing says that the stream has to be there, or that there is a snapshot to forget.
    forget(&store, "cart", "a").await;
    assert_eq!(get(&store, "cart", "a").await, None);
}

pub async fn bytes_in_bytes_out<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    let deep = "[".repeat(64) + &"]".repeat(64);
    let texts = [
        "null",
        r#""Straße 🛒 \u0000 \ud83d\uded2 '; drop table snapshots; --""#,
        "-0.0",
        "18446744073709551615",
        r#"  {"z":1,"a":2,"z":3}  "#,
        &deep,
    ];
    for (text, last) in texts.iter().zip(1..) {
        let kept = Snapshot {
            state: Payload::parse(text).unwrap(),
            ..snapshot(last, 7)
        };
        save(&store, "cart", "a", &kept).await;
        assert_eq!(get(&store, "cart", "a").await, Some(kept));
    }
    for fingerprint in [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX] {
        let kept = snapshot(1, fingerprint);
        save(&store, "cart", "a", &kept).await;
        assert_eq!(get(&store, "cart", "a").await, Some(kept));
    }
}

pub async fn the_newest_wins<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    for last in [1, 2, 10, 16] {
        save(&store, "cart", "a", &snapshot(last, 7)).await;
        assert_eq!(get(&store, "cart", "a").await, Some(snapshot(last, 7)));
    }
}

pub async fn an_older_one_never_replaces_a_newer_one<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    let newest = snapshot(10, 7);
    save(&store, "cart", "a", &newest).await;
    let same_seq = Snapshot {
        state: Payload::parse("\"other\"").unwrap(),
        ..snapshot(10, 7)
    };
    for late in [snapshot(9, 7), snapshot(1, 7), same_seq] {
        save(&store, "cart", "a", &late).await;
        assert_eq!(get(&store, "cart", "a").await.as_ref(), Some(&newest));
    }
}

pub async fn one_of_another_fingerprint_gives_way<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    save(&store, "cart", "a", &snapshot(10, 7)).await;
    save(&store, "cart", "a", &snapshot(3, 8)).await;
    assert_eq!(get(&store, "cart", "a").await, Some(snapshot(3, 8)));
}

pub async fn actors_and_streams_are_kept_apart<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    let keys = [
        ("cart", "a"),
        ("cart", "A"),
        ("cart", "a "),
        ("Cart", "a"),
        ("stock", "a"),
        ("stock", "🛒"),
    ];
    for ((actor, stream), last) in keys.iter().zip(1..) {
        save(&store, actor, stream, &snapshot_of(stream, last, 7)).await;
    }
    let kept = async |actor, stream, last| {
        let expected = Some(snapshot_of(stream, last, 7));
        assert_eq!(get(&store, actor, stream).await, expected);
    };
    for ((actor, stream), last) in keys.iter().zip(1..) {
        kept(actor, stream, last).await;
    }
    forget(&store, "cart", "a").await;
    assert_eq!(get(&store, "cart", "a").await, None);
    kept("cart", "A", 2).await;
    kept("stock", "a", 5).await;
}

pub async fn of_concurrent_writers_the_newest_wins<H: Harness>(harness: &H) {
    let (store, guard) = filled(harness).await;
    let mut tasks = Vec::new();
    for last in 1..=16 {
        // In an order that is none.
        let last = last * 7 % 17;
        let writer = harness.another(&store, &guard).await;
        tasks.push(spawn(async move {
            save(&writer, "cart", "a", &snapshot(last, 7)).await;
        }));
    }
    join(tasks).await;
    assert_eq!(get(&store, "cart", "a").await, Some(snapshot(16, 7)));
}

pub async fn the_largest_is_stored_and_a_larger_one_refused<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    let limit = Limits::default().snapshot_bytes;
    let sized = |last, bytes: usize| Snapshot {
        state: Payload::parse(format!("\"{}\"", "x".repeat(bytes - 2))).unwrap(),
        ..snapshot(last, 7)
    };
    let largest = sized(1, limit);
    save(&store, "cart", "a", &largest).await;
    let (cart, a) = (group("cart"), stream("a"));
    let refused = store.save_snapshot(&cart, &a, &sized(2, limit + 1)).await;
    let Err(BackendError::Refused(error)) = refused else {
        panic!("not refused: {refused:?}")
    };
    let exceeded = error.downcast_ref::<LimitExceeded>().unwrap();
    assert_eq!((exceeded.found, exceeded.limit), (limit + 1, limit));
    assert!(get(&store, "cart", "a").await == Some(largest));
}

pub async fn they_are_there_for_the_next_process<H: Harness>(harness: &H) {
    let (store, guard) = filled(harness).await;
    save(&store, "cart", "a", &snapshot(10, 7)).await;
    let next = harness.another(&store, &guard).await;
    drop(store);
    assert_eq!(get(&next, "cart", "a").await, Some(snapshot(10, 7)));
}

/// The streams that snapshots are taken of here, with sixteen events each.
async fn filled<H: Harness>(harness: &H) -> (H::Backend, H::Guard) {
    let (store, guard) = harness.fresh().await;
    for name in ["a", "A", "a ", "🛒"] {
        let mut numbered = events(16);
        for (event, nth) in numbered.iter_mut().zip(1..) {
            event.id = id_of(name, nth);
        }
        append(&store, name, numbered).await;
    }
    (store, guard)
}

/// The id of the nth event of a stream.
fn id_of(name: &str, nth: u64) -> MessageId {
    let name = name
        .bytes()
        .fold(0, |all, byte| all << 8 | u128::from(byte));
    MessageId::from_uuid(Uuid::from_u128(name << 64 | u128::from(nth)))
}

fn snapshot(last: u64, fingerprint: u64) -> Snapshot {
    snapshot_of("a", last, fingerprint)
}

fn snapshot_of(name: &str, last: u64, fingerprint: u64) -> Snapshot {
    Snapshot {
        seq: seq(last),
        event: id_of(name, last),
        fingerprint,
        state: Payload::parse(format!(r#"{{"last":{last}}}"#)).unwrap(),
    }
}

/// The stream is shorter, has another event there, or is none.
pub async fn history_goes_on_without_one_of_another_log<H: Harness>(harness: &H) {
    let (store, _guard) = filled(harness).await;
    let beyond = snapshot(17, 7);
    let of_another = Snapshot {
        event: id_of("A", 9),
        ..snapshot(9, 7)
    };
    let (cart, a) = (group("cart"), stream("a"));
    for (false_one, true_one) in [(beyond, 3), (of_another, 4)] {
        save(&store, "cart", "a", &false_one).await;
        assert_eq!(get(&store, "cart", "a").await, None);
        save(&store, "cart", "a", &snapshot(true_one, 7)).await;
        let kept = get(&store, "cart", "a").await;
        assert_eq!(kept, Some(snapshot(true_one, 7)), "it gives way");
        forget(&store, "cart", "a").await;
        let truncation = Truncation {
            stream: a.clone(),
            upto: seq(1),
            bases: vec![(cart.clone(), false_one)],
        };
        store.truncate_stream(&truncation).await.unwrap();
        assert_eq!(store.base(&cart, &a).await.unwrap(), None);
    }
    save(&store, "cart", "nothing", &snapshot(1, 7)).await;
    assert_eq!(get(&store, "cart", "nothing").await, None);
}

async fn get(store: &impl Backend, actor: &str, name: &str) -> Option<Snapshot> {
    let (actor, stream) = (group(actor), stream(name));
    store.snapshot(&actor, &stream).await.unwrap()
}

async fn save(store: &impl Backend, actor: &str, name: &str, snapshot: &Snapshot) {
    let (actor, stream) = (group(actor), stream(name));
    let saved = store.save_snapshot(&actor, &stream, snapshot).await;
    saved.unwrap();
}

async fn forget(store: &impl Backend, actor: &str, name: &str) {
    let (actor, stream) = (group(actor), stream(name));
    store.delete_snapshot(&actor, &stream).await.unwrap();
}
