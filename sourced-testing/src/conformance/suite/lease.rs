//! Leases: how long a claim holds, and what a renewal does.

use super::super::Harness;
use super::super::fixtures::*;

pub async fn a_claimed_lane_is_not_claimed_again<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let _claim = worker.claim(&store).await;
    append(&store, "a", [event()]).await;
    append(&store, "b", [event()]).await;
    // The second stream shows that everything before it has been looked at.
    assert_eq!(worker.claim(&store).await.key.stream, stream("b"));
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(worker.colleague().try_claim(&store).await, []);
}

pub async fn a_lane_is_taken_over_when_its_lease_has_ended<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(2);
    append(&store, "a", messages.clone()).await;
    let lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.colleague().claim(&store).await;
    assert_eq!(delivered(&taken), ids_of(&messages));
    assert!(taken.key.epoch > lost.key.epoch);
    assert_eq!(taken.attempts, 0, "a lost lease is no failure");
}

pub async fn its_own_worker_may_take_over_too<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.claim(&store).await;
    assert!(taken.key.epoch > lost.key.epoch);
    let error = store.ack(ack_all(&lost)).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    store.ack(ack_all(&taken)).await.unwrap();
}

pub async fn an_ended_lease_holds_until_somebody_takes_over<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
}

pub async fn a_renewal_prolongs_it_from_now<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    harness.advance(&store, &guard, LEASE / 2).await;
    let keys = [claim.key.clone()];
    assert_eq!(store.renew(&keys, LEASE).await.unwrap(), []);
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(worker.colleague().try_claim(&store).await, []);
    store.ack(ack_all(&claim)).await.unwrap();
}

pub async fn a_renewal_names_the_claims_that_are_lost<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.colleague().claim(&store).await;
    append(&store, "b", [event()]).await;
    let held = worker.claim(&store).await;
    append(&store, "c", [event()]).await;
    let ended = worker.claim(&store).await;
    store.ack(ack_all(&ended)).await.unwrap();

    let keys = [lost.key.clone(), held.key.clone(), ended.key.clone()];
    let mut reported = store.renew(&keys, LEASE).await.unwrap();
    reported.sort_by(|one, other| one.stream.cmp(&other.stream));
    assert_eq!(reported, [lost.key, ended.key]);
    assert_eq!(store.renew(&[], LEASE).await.unwrap(), []);
    // Renewing the lost claim did nothing to its new holder.
    store.ack(ack_all(&taken)).await.unwrap();
    store.ack(ack_all(&held)).await.unwrap();
}
