//! *ack-never-jumps*: acknowledging one message acknowledges no other, and nothing moves backwards.

use std::sync::Arc;

use sourced::Position;
use sourced::backend::{Backend, QuarantineError, Verdict};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn each_message_needs_its_own<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(4);
    append(&store, "a", messages.clone()).await;
    for n in 0..4 {
        let claim = worker.claim(&store).await;
        assert_eq!(delivered(&claim), ids_of(&messages[n..]));
        store.ack(ack_upto(&claim, 1)).await.unwrap();
    }
    assert_eq!(worker.try_claim(&store).await, []);
}

pub async fn a_later_position_of_another_stream_leaves_earlier_ones<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let early = event();
    append(&store, "a", [early.clone()]).await;
    append(&store, "b", [event()]).await;
    let claims = worker.claim_lanes(&store, 2).await;
    store.ack(ack_all(&claims[1])).await.unwrap();
    store.release(&claims[0].key).await.unwrap();
    assert_eq!(delivered(&worker.claim(&store).await), [early.id]);
}

pub async fn an_older_position_moves_nothing_back<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let places = append(&store, "a", events(3)).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    let later = event();
    append(&store, "a", [later.clone()]).await;
    let claim = worker.claim(&store).await;
    let mut ack = ack_all(&claim);
    ack.upto = places[0].position;
    store.ack(ack).await.unwrap();
    let lane = store.lane(&group("g"), &stream("a")).await.unwrap();
    assert_eq!(lane.unwrap().acked, places[2].position);
    assert_eq!(delivered(&worker.claim(&store).await), [later.id]);
}

pub async fn a_failure_of_a_later_message_keeps_the_earlier_ones<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(3);
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let claim = worker.claim(&store).await;
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    assert_eq!(
        delivered(&worker.claim(&store).await),
        ids_of(&messages[1..])
    );
}

pub async fn a_skip_takes_the_first_message_and_no_other<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(3);
    let places = append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    let [first, second, third] = [0, 1, 2].map(|n| places[n].position);
    assert_eq!(refused(&store, second).await, Some(first));
    assert_eq!(refused(&store, third).await, Some(first));
    // What was refused changed nothing, so the claim still holds; a delayed lane can be skipped as well.
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    skip(&store, first).await.unwrap();
    assert_eq!(refused(&store, first).await, Some(second));
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), ids_of(&messages[1..]));
    store.release(&claim.key).await.unwrap();
    // A ready one, too.
    skip(&store, second).await.unwrap();
    assert_eq!(
        delivered(&worker.claim(&store).await),
        ids_of(&messages[2..])
    );
    skip(&store, third).await.unwrap();
    assert_eq!(refused(&store, third).await, None);
    is_quiet(&store, &worker).await;
}

pub async fn a_skip_of_what_is_owed_leaves_the_rest<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = [other(), event(), other(), event()];
    let places = append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    register(&store, "g", &[HAPPENED, WISHED, OTHER]).await;
    let [owed, done, pending, last] = [0, 1, 2, 3].map(|n| places[n].position);
    let claim = worker.claim(&store).await;
    assert_eq!(claim.deliveries.len(), 3);
    assert_eq!(refused(&store, pending).await, Some(owed));
    assert_eq!(refused(&store, done).await, Some(owed));
    store.fail(&claim.key, Verdict::Skip, "no").await.unwrap();
    assert_eq!(refused(&store, last).await, Some(pending));
    skip(&store, pending).await.unwrap();
    assert_eq!(delivered(&worker.claim(&store).await), [messages[3].id]);
}

pub async fn of_concurrent_skips_of_a_message_one_wins<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let places = append(&store, "a", events(10)).await;
    let claim = worker.claim(&store).await;
    store.fail(&claim.key, Verdict::Park, "no").await.unwrap();
    let position = places[0].position;
    let store = Arc::new(store);
    let name = (group("g"), stream("a"));
    let tasks = (0..8).map(|_| {
        let (store, (group, stream)) = (Arc::clone(&store), name.clone());
        spawn(async move { store.skip(&group, &stream, position, "no").await.is_ok() })
    });
    let won = join(tasks.collect()).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(worker.claim(&*store).await.deliveries.len(), 9);
}

async fn skip(store: &impl Backend, position: Position) -> Result<(), QuarantineError> {
    let (group, stream) = (group("g"), stream("a"));
    store.skip(&group, &stream, position, "no").await
}

/// Which message comes first, instead.
async fn refused(store: &impl Backend, position: Position) -> Option<Position> {
    match skip(store, position).await {
        Err(QuarantineError::NotFirst { asked, first, .. }) if asked == position => first,
        other => panic!("{other:?}"),
    }
}
