//! Retries: a failed lane comes back after its delay, and knows how often it has failed.

use std::time::Duration;

use sourced::backend::Verdict;

use super::super::Harness;
use super::super::fixtures::*;

const AT_ONCE: Verdict = Verdict::RetryAfter(Duration::ZERO);

pub async fn the_lane_is_hidden_until_its_delay_is_over<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(2);
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(worker.try_claim(&store).await, []);
    harness
        .advance(&store, &guard, AFTER_ITS_END.abs_diff(BEFORE_ITS_END))
        .await;
    let again = worker.claim(&store).await;
    assert_eq!(delivered(&again), ids_of(&messages));
    assert_eq!(again.attempts, 1);
    assert!(again.key.epoch > claim.key.epoch);
}

pub async fn attempts_are_counted_and_the_error_is_kept<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    for attempt in 0..3 {
        let claim = worker.claim(&store).await;
        assert_eq!(claim.attempts, attempt);
        let error = format!("failure {attempt}: Straße\n'\"");
        store.fail(&claim.key, AT_ONCE, &error).await.unwrap();
        let lane = store
            .lane(&group("g"), &stream("a"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(lane.attempts, attempt + 1);
        assert_eq!(lane.last_error(), Some(&*error));
        assert!(!lane.parked);
    }
}

pub async fn progress_forgets_attempts_and_error<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    store.fail(&claim.key, AT_ONCE, "no").await.unwrap();
    let claim = worker.claim(&store).await;
    assert_eq!(claim.attempts, 1);
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let lane = store
        .lane(&group("g"), &stream("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((lane.attempts, lane.last_error()), (0, None));
    assert_eq!(worker.claim(&store).await.attempts, 0);
}

pub async fn a_release_changes_no_attempts<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    store.fail(&claim.key, AT_ONCE, "no").await.unwrap();
    let claim = worker.claim(&store).await;
    store.release(&claim.key).await.unwrap();
    assert_eq!(worker.claim(&store).await.attempts, 1);
}

pub async fn streams_and_groups_count_for_themselves<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let one = Worker::of(&store, "one").await;
    let two = Worker::of(&store, "two").await;
    append(&store, "a", [event()]).await;
    let claim = one.claim(&store).await;
    store.fail(&claim.key, AT_ONCE, "no").await.unwrap();
    append(&store, "b", [event()]).await;
    let attempts = |claims: Vec<sourced::backend::Claim>| -> Vec<u32> {
        claims.iter().map(|claim| claim.attempts).collect()
    };
    assert_eq!(attempts(one.claim_lanes(&store, 2).await), [1, 0]);
    assert_eq!(attempts(two.claim_lanes(&store, 2).await), [0, 0]);
}
