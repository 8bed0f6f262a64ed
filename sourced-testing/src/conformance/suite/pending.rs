//! Pending lanes: whether a group has anything left to do.

use sourced::backend::{Backend, Verdict};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn is_zero_when_all_is_quiet<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    assert_eq!(pending(&store, &["g"]).await, 0);
    append(&store, "a", events(3)).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(pending(&store, &["g"]).await, 0);
    assert_eq!(pending(&store, &[]).await, 0);
}

pub async fn counts_what_nobody_has_looked_at_yet<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[HAPPENED]).await;
    append(&store, "a", [event()]).await;
    assert!(pending(&store, &["g"]).await >= 1);
}

pub async fn counts_lanes_that_are_ready_claimed_and_delayed<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    for name in ["a", "b", "c"] {
        append(&store, name, events(2)).await;
    }
    let claims = worker.claim_lanes(&store, 3).await;
    assert_eq!(pending(&store, &["g"]).await, 3);
    store.release(&claims[0].key).await.unwrap();
    assert_eq!(pending(&store, &["g"]).await, 3);
    let retry = Verdict::RetryAfter(LEASE);
    store.fail(&claims[1].key, retry, "no").await.unwrap();
    assert_eq!(pending(&store, &["g"]).await, 3);
    store.ack(ack_upto(&claims[2], 1)).await.unwrap();
    assert_eq!(pending(&store, &["g"]).await, 3, "one message is left");
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    for (left, claim) in [2, 1, 0]
        .into_iter()
        .zip(worker.claim_lanes(&store, 3).await)
    {
        store.ack(ack_all(&claim)).await.unwrap();
        assert_eq!(pending(&store, &["g"]).await, left);
    }
}

pub async fn does_not_count_parked_lanes<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    store.fail(&claim.key, Verdict::Park, "no").await.unwrap();
    assert_eq!(pending(&store, &["g"]).await, 0);
    append(&store, "a", [event()]).await;
    assert_eq!(pending(&store, &["g"]).await, 0, "it waits behind");
    append(&store, "b", [event()]).await;
    let claim = worker.claim(&store).await;
    assert_eq!(pending(&store, &["g"]).await, 1);
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(pending(&store, &["g"]).await, 0);
}

pub async fn does_not_count_what_the_group_does_not_handle<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [other()]).await;
    append(&store, "b", [event(), other()]).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    // What is not yet sorted may count; sorting it must not leave anything behind.
    while pending(&store, &["g"]).await > 0 {
        assert_eq!(worker.try_claim(&store).await, []);
        hint(&store).await;
    }
}

pub async fn adds_up_the_groups_asked_for<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let one = Worker::of(&store, "one").await;
    let two = Worker::of(&store, "two").await;
    for name in ["a", "b"] {
        append(&store, name, [event()]).await;
    }
    let claims = one.claim_lanes(&store, 2).await;
    _ = two.claim_lanes(&store, 2).await;
    store.ack(ack_all(&claims[0])).await.unwrap();
    assert_eq!(pending(&store, &["one"]).await, 1);
    assert_eq!(pending(&store, &["two"]).await, 2);
    assert_eq!(pending(&store, &["one", "two"]).await, 3);
}

async fn pending(store: &impl Backend, groups: &[&str]) -> u64 {
    let groups: Vec<_> = groups.iter().map(|name| group(name)).collect();
    store.pending_lanes(&groups).await.unwrap()
}
