//! Wake-ups: the signal is raised when there may be work.

use std::time::Duration;

use sourced::ExpectedSeq;
use sourced::backend::Verdict;

use super::super::Harness;
use super::super::fixtures::*;

pub async fn an_append_raises_the_signal<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut signal = store.signal();
    for _ in 0..5 {
        calm(&mut signal);
        append(&store, "a", [event()]).await;
        signal.raised().await;
    }
}

pub async fn giving_a_lane_back_raises_the_signal<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    let mut signal = store.signal();

    let claim = worker.claim(&store).await;
    calm(&mut signal);
    store.release(&claim.key).await.unwrap();
    signal.raised().await;

    let claim = worker.claim(&store).await;
    calm(&mut signal);
    let at_once = Verdict::RetryAfter(Duration::ZERO);
    store.fail(&claim.key, at_once, "no").await.unwrap();
    signal.raised().await;

    let claim = worker.claim(&store).await;
    calm(&mut signal);
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    signal.raised().await;
}

pub async fn what_an_ack_appends_raises_the_signal<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    let mut signal = store.signal();
    calm(&mut signal);
    let mut ack = ack_all(&claim);
    ack.appends = vec![to("b", ExpectedSeq::Any, [event()])];
    store.ack(ack).await.unwrap();
    signal.raised().await;
}

pub async fn all_who_wait_are_woken<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let waiting = (0..4).map(|_| {
        let mut signal = store.signal();
        calm(&mut signal);
        spawn(async move { signal.raised().await })
    });
    let waiting: Vec<_> = waiting.collect();
    append(&store, "a", [event()]).await;
    join(waiting).await;
}

pub async fn many_appends_are_all_found_by_who_waits<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let store = std::sync::Arc::new(store);
    let worker = Worker::of(&*store, "g").await;
    let writer = {
        let store = std::sync::Arc::clone(&store);
        spawn(async move {
            for n in 0..50 {
                append(&*store, format!("s-{n}"), [event()]).await;
            }
        })
    };
    let mut left = 50;
    while left > 0 {
        let claims = worker.try_claim(&*store).await;
        if claims.is_empty() {
            hint(&*store).await;
        }
        for claim in claims {
            left -= claim.deliveries.len();
            store.ack(ack_all(&claim)).await.unwrap();
        }
    }
    join(vec![writer]).await;
    assert_eq!(worker.try_claim(&*store).await, []);
}
