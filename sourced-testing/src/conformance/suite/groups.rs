//! Groups: where they start, and what registering them again does.

use sourced::backend::StartFrom;

use super::super::Harness;
use super::super::fixtures::*;

pub async fn one_from_the_beginning_gets_everything<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    append(&store, "b", [event()]).await;
    register_from(&store, "g", &[HAPPENED], StartFrom::Beginning).await;
    let claims = Worker::new(&["g"]).claim_lanes(&store, 2).await;
    assert_eq!(streams_of(&claims), ["a", "b"]);
    assert_eq!(claims[0].deliveries.len(), 2);
}

pub async fn one_from_now_gets_what_comes_after<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    append(&store, "b", [event()]).await;
    register_from(&store, "g", &[HAPPENED], StartFrom::Now).await;
    let later = event();
    append(&store, "a", [later.clone()]).await;
    let claim = Worker::new(&["g"]).claim(&store).await;
    assert_eq!(delivered(&claim), [later.id]);
    assert!(!claim.deliveries[0].replaying);
}

pub async fn now_is_the_beginning_of_an_empty_log<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register_from(&store, "g", &[HAPPENED], StartFrom::Now).await;
    let messages = events(2);
    append(&store, "a", messages.clone()).await;
    let claim = Worker::new(&["g"]).claim(&store).await;
    assert_eq!(delivered(&claim), ids_of(&messages));
}

pub async fn registering_again_changes_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let held = worker.claim(&store).await;
    let again = Worker::of(&store, "g").await;
    assert_eq!(again.try_claim(&store).await, []);
    store.ack(ack_all(&held)).await.unwrap();
    assert_eq!(again.try_claim(&store).await, []);
}

pub async fn the_start_counts_only_when_the_group_is_new<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    register_from(&store, "late", &[HAPPENED], StartFrom::Now).await;
    register_from(&store, "late", &[HAPPENED], StartFrom::Beginning).await;
    register_from(&store, "early", &[HAPPENED], StartFrom::Beginning).await;
    register_from(&store, "early", &[HAPPENED], StartFrom::Now).await;
    append(&store, "b", [event()]).await;
    let claims = Worker::new(&["late"]).claim_lanes(&store, 1).await;
    assert_eq!(streams_of(&claims), ["b"]);
    let claims = Worker::new(&["early"]).claim_lanes(&store, 2).await;
    assert_eq!(streams_of(&claims), ["a", "b"]);
}

pub async fn one_without_types_gets_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[]).await;
    append(&store, "a", [event(), command()]).await;
    assert!(store.log_end().await.unwrap().get() > 0);
    assert_eq!(Worker::new(&["g"]).try_claim(&store).await, []);
}
