//! *quarantine*: a parked stream waits, for that group alone, and nothing else does.

use sourced::backend::{Backend, Verdict};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn later_messages_of_a_parked_stream_wait<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = parked(&store).await;
    append(&store, "bad", events(2)).await;
    append(&store, "good", [event()]).await;
    assert_eq!(worker.claim(&store).await.key.stream, stream("good"));
    harness.advance(&store, &guard, LEASE * 1_000).await;
    let claims = worker.claim_lanes(&store, 1).await;
    assert_eq!(streams_of(&claims), ["good"], "its lease has ended");
}

pub async fn other_groups_go_on<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    _ = parked(&store).await;
    let other = Worker::of(&store, "other").await;
    let claim = other.claim(&store).await;
    assert_eq!(claim.key.stream, stream("bad"));
    store.ack(ack_all(&claim)).await.unwrap();
}

pub async fn the_lane_says_why<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    _ = parked(&store).await;
    let lane = store
        .lane(&group("g"), &stream("bad"))
        .await
        .unwrap()
        .unwrap();
    assert!(lane.parked);
    assert_eq!(lane.attempts, 1);
    assert_eq!(lane.last_error.as_deref(), Some("cannot be handled"));
    assert_eq!(lane.acked, sourced::Position::START);
}

pub async fn registering_the_group_again_does_not_let_it_out<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = parked(&store).await;
    for types in [&[HAPPENED, WISHED][..], &[HAPPENED, WISHED, OTHER]] {
        register(&store, "g", types).await;
        append(&store, "bad", [event()]).await;
        assert_eq!(worker.try_claim(&store).await, []);
        let lane = store.lane(&group("g"), &stream("bad")).await.unwrap();
        assert!(lane.unwrap().parked);
    }
}

/// Group `g` has parked stream `bad` with one message.
async fn parked(store: &impl Backend) -> Worker {
    let worker = Worker::of(store, "g").await;
    append(store, "bad", [event()]).await;
    let claim = worker.claim(store).await;
    let verdict = Verdict::Park;
    store
        .fail(&claim.key, verdict, "cannot be handled")
        .await
        .unwrap();
    worker
}
