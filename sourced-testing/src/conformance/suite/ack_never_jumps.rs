//! *ack-never-jumps*: acknowledging one message acknowledges no other, and nothing moves backwards.

use sourced::backend::Verdict;

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
