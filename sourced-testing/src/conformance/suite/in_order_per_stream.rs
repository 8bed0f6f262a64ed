//! *in-order-per-stream*: one at a time, in the order of seqs, and no stream waits for another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sourced::backend::{Backend, Verdict};
use sourced::{StreamId, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn other_streams_go_on_while_one_is_held<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "slow", [event()]).await;
    let _held = worker.claim(&store).await;
    append(&store, "slow", [event()]).await;
    for _ in 0..3 {
        append(&store, "quick", [event()]).await;
        let claim = worker.colleague().claim(&store).await;
        assert_eq!(claim.key.stream, stream("quick"));
        store.ack(ack_all(&claim)).await.unwrap();
    }
}

pub async fn other_streams_go_on_while_one_is_retried<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "bad", [event()]).await;
    let claim = worker.claim(&store).await;
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    append(&store, "bad", [event()]).await;
    append(&store, "good", [event()]).await;
    assert_eq!(worker.claim(&store).await.key.stream, stream("good"));
}

pub async fn the_time_of_a_message_decides_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let mut messages = events(4);
    for (message, micros) in messages.iter_mut().zip([4, 3, 9, 1]) {
        message.created_at = Timestamp::from_micros(micros);
    }
    append(&store, "a", messages[..2].to_vec()).await;
    append(&store, "a", messages[2..].to_vec()).await;
    assert_eq!(stored_ids(&read(&store, "a").await), ids_of(&messages));
    assert_eq!(delivered(&worker.claim(&store).await), ids_of(&messages));
}

pub async fn of_concurrent_claims_one_gets_the_lane<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let store = Arc::new(store);
    for _ in 0..10 {
        append(&*store, "a", [event()]).await;
        let workers = (0..8).map(|_| {
            let (store, worker) = (Arc::clone(&store), worker.colleague());
            spawn(async move { worker.try_claim(&*store).await })
        });
        let mut claims = join(workers.collect()).await.concat();
        if claims.is_empty() {
            // All came before the message was sorted into its lane.
            claims.push(worker.claim(&*store).await);
        }
        assert_eq!(claims.len(), 1);
        store.ack(ack_all(&claims[0])).await.unwrap();
    }
}

/// What was handled, in the order in which it was.
type Handled = Arc<Mutex<BTreeMap<StreamId, Vec<u64>>>>;

pub async fn many_workers_handle_everything_once_and_in_order<H: Harness>(harness: &H) {
    const WRITERS: usize = 4;
    const APPENDS: usize = 30;
    const STREAMS: usize = 12;
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.lanes(3).messages_per_lane(2);
    let store = Arc::new(store);
    let handled = Handled::default();
    let left = Arc::new(AtomicUsize::new(WRITERS * APPENDS));
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let other = Arc::new(harness.another(&store, &guard).await);
        for _ in 0..2 {
            let (other, worker) = (Arc::clone(&other), worker.colleague());
            let (handled, left) = (Arc::clone(&handled), Arc::clone(&left));
            tasks.push(spawn(
                async move { work(&*other, worker, handled, left).await },
            ));
        }
    }
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.push(spawn(async move {
            for n in 0..APPENDS {
                let name = format!("s-{}", (writer * 7 + n) % STREAMS);
                append(&*store, name, [event()]).await;
            }
        }));
    }
    join(tasks).await;
    let handled = handled.lock().unwrap().clone();
    assert_eq!(handled.len(), STREAMS);
    for (name, handled) in handled {
        assert_eq!(handled, seqs(&read(&*store, &name).await), "{name}");
    }
    assert_eq!(store.pending_lanes(&[group("g")]).await.unwrap(), 0);
}

/// Claims and acknowledges until nothing is left.
async fn work(store: &impl Backend, worker: Worker, handled: Handled, left: Arc<AtomicUsize>) {
    while left.load(Ordering::SeqCst) > 0 {
        let claims = worker.try_claim(store).await;
        if claims.is_empty() {
            hint(store).await;
        }
        for claim in claims {
            let messages = claim.deliveries.iter().map(|next| next.message.seq.get());
            let stream = claim.key.stream.clone();
            handled
                .lock()
                .unwrap()
                .entry(stream)
                .or_default()
                .extend(messages);
            store.ack(ack_all(&claim)).await.unwrap();
            left.fetch_sub(claim.deliveries.len(), Ordering::SeqCst);
        }
    }
}
