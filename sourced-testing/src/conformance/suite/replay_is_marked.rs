//! *replay-is-marked*: only what the group acknowledged before in this stream is a replay.

use sourced::backend::{Backend, Verdict};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn a_first_delivery_is_none<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(3)).await;
    append(&store, "b", events(3)).await;
    // A group that comes late handles old messages for the first time.
    let worker = Worker::of(&store, "g").await;
    for _ in 0..2 {
        nothing_replays(&store, &worker, 2, 3).await;
    }
}

pub async fn what_was_not_acknowledged_is_none<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(3)).await;
    // Released.
    nothing_replays(&store, &worker, 1, 3).await;
    // Failed.
    let claim = worker.claim(&store).await;
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    nothing_replays(&store, &worker, 1, 3).await;
    // Taken over.
    let _lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    nothing_replays(&store, &worker, 1, 3).await;
    // The rest of a part.
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    nothing_replays(&store, &worker, 1, 2).await;
}

pub async fn what_another_group_acknowledged_is_none<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    let first = Worker::of(&store, "first").await;
    let claim = first.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    let second = Worker::of(&store, "second").await;
    nothing_replays(&store, &second, 1, 2).await;
}

/// Claims so many lanes of so many messages, none of which is a replay, and releases them.
async fn nothing_replays(store: &impl Backend, worker: &Worker, lanes: usize, messages: usize) {
    for claim in worker.claim_lanes(store, lanes).await {
        assert_eq!(claim.deliveries.len(), messages);
        assert!(claim.deliveries.iter().all(|next| !next.replaying));
        store.release(&claim.key).await.unwrap();
    }
}
