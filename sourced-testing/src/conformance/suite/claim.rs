//! Claiming: which lanes, how many, with which messages, in which order.

use std::collections::BTreeSet;

use sourced::Metadata;
use sourced::backend::{Backend, BackendError, FenceError};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn gives_the_pending_messages_of_a_stream_in_order<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = vec![event(), command(), event()];
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.key.group, group("g"));
    assert_eq!(claim.key.stream, stream("a"));
    assert_eq!(claim.key.worker, worker.request.worker);
    assert_eq!(claim.attempts, 0);
    assert_eq!(delivered(&claim), ids_of(&messages));
    let claimed: Vec<_> = claim
        .deliveries
        .into_iter()
        .map(|next| next.message)
        .collect();
    assert_eq!(claimed, read(&store, "a").await);
}

pub async fn gives_nothing_when_there_is_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    assert_eq!(worker.try_claim(&store).await, []);
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
}

pub async fn gives_only_the_types_the_group_handles<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [other()]).await;
    let messages = vec![other(), event(), other(), command(), other()];
    append(&store, "b", messages.clone()).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.key.stream, stream("b"));
    assert_eq!(delivered(&claim), [messages[1].id, messages[3].id]);
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    let state = store.lane(&group("g"), &stream("a")).await.unwrap();
    assert_eq!(state, None, "the group has nothing to do in that stream");
}

pub async fn gives_no_more_lanes_than_asked_for<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.lanes(3);
    for n in 0..8 {
        append(&store, format!("s-{n}"), [event()]).await;
    }
    let mut streams = BTreeSet::new();
    while streams.len() < 8 {
        let claims = worker.try_claim(&store).await;
        assert!(claims.len() <= 3, "{:?}", streams_of(&claims));
        for claim in &claims {
            assert!(streams.insert(claim.key.stream.clone()), "claimed twice");
        }
        if claims.is_empty() {
            hint(&store).await;
        }
    }
    let none = worker.lanes(0).try_claim(&store).await;
    assert_eq!(none, []);
}

pub async fn gives_no_more_messages_of_a_lane_than_asked_for<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.messages_per_lane(2);
    let messages = events(5);
    append(&store, "a", messages.clone()).await;
    let mut seen = Vec::new();
    for expected in [2, 2, 1] {
        let claim = worker.claim(&store).await;
        assert_eq!(claim.deliveries.len(), expected);
        seen.extend(delivered(&claim));
        store.ack(ack_all(&claim)).await.unwrap();
    }
    assert_eq!(seen, ids_of(&messages));
}

pub async fn claims_are_bounded_in_bytes<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.bytes(250_000);
    let messages: Vec<_> = SIZES.map(event_of).into();
    append(&store, "a", messages.clone()).await;
    assert_eq!(taken(&store, &worker, "a").await, IN_250_000);
    let with_metadata = |_| {
        let mut event = event();
        event.metadata = Metadata::new().with("text", "x".repeat(60_000));
        event
    };
    let messages: Vec<_> = (0..3).map(with_metadata).collect();
    append(&store, "b", messages).await;
    let worker = worker.bytes(125_000);
    assert_eq!(taken(&store, &worker, "b").await, [2, 1]);
    // Whoever has room for nothing goes on one by one.
    append(&store, "c", events(3)).await;
    let worker = worker.bytes(0);
    assert_eq!(taken(&store, &worker, "c").await, [1, 1, 1]);
    is_quiet(&store, &worker).await;
}

pub async fn claims_of_what_is_owed_are_bounded_in_bytes<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[OTHER]).await;
    let mut messages: Vec<_> = SIZES.map(event_of).into();
    messages.insert(3, other());
    append(&store, "a", messages).await;
    let claim = Worker::new(&["g"]).claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    // Three of them lie before what is acknowledged.
    let worker = Worker::of(&store, "g").await.bytes(250_000);
    assert_eq!(taken(&store, &worker, "a").await, IN_250_000);
    is_quiet(&store, &worker).await;
}

/// Of a backlog.
const SIZES: [usize; 7] = [100_000, 100_000, 100_000, 300_000, 100_000, 1_000, 1_000];
/// How many of them come at once.
const IN_250_000: [usize; 4] = [2, 1, 1, 3];

/// How many messages of a stream come in each claim, until all are acknowledged.
async fn taken(store: &impl Backend, worker: &Worker, name: &str) -> Vec<usize> {
    let (mut sizes, mut seen) = (Vec::new(), Vec::new());
    while store.pending_lanes(&worker.request.groups).await.unwrap() > 0 {
        for claim in worker.try_claim(store).await {
            sizes.push(claim.deliveries.len());
            seen.extend(delivered(&claim));
            store.ack(ack_all(&claim)).await.unwrap();
        }
    }
    let stored = read(store, name).await;
    let handled = stored
        .iter()
        .filter(|message| message.type_name.as_str() != OTHER);
    let handled: Vec<_> = handled.map(|message| message.id).collect();
    assert_eq!(seen, handled, "each once and in order");
    sizes
}

pub async fn gives_the_longest_waiting_first<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for name in ["c", "a", "d", "b"] {
        append(&store, name, [event()]).await;
    }
    append(&store, "c", [event()]).await;
    let worker = Worker::of(&store, "g").await.lanes(1);
    for expected in ["c", "a", "d", "b"] {
        assert_eq!(worker.claim(&store).await.key.stream, stream(expected));
    }
}

pub async fn gives_each_group_its_share<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "busy", &[HAPPENED]).await;
    register(&store, "calm", &[WISHED]).await;
    for n in 0..40 {
        append(&store, format!("busy-{n}"), [event()]).await;
    }
    append(&store, "calm", [command()]).await;
    for order in [["busy", "calm"], ["calm", "busy"]] {
        let worker = Worker::new(&order).lanes(4);
        // A backend may need a moment to sort the log into lanes, but a few requests are enough for both groups.
        let calm = loop {
            let claims = worker.try_claim(&store).await;
            let calm = claims.iter().find(|claim| claim.key.group == group("calm"));
            if let Some(claim) = calm {
                break claim.key.clone();
            }
            assert!(claims.len() < 4, "the busy group took all lanes");
            hint(&store).await;
        };
        store.release(&calm).await.unwrap();
    }
}

pub async fn gives_every_group_a_turn_even_one_lane_at_a_time<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "one", &[HAPPENED]).await;
    register(&store, "two", &[HAPPENED]).await;
    for n in 0..20 {
        append(&store, format!("s-{n}"), [event()]).await;
    }
    let worker = Worker::new(&["one", "two"]).lanes(1);
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        seen.insert(worker.claim(&store).await.key.group);
    }
    assert_eq!(seen, [group("one"), group("two")].into());
}

pub async fn groups_do_not_share_progress<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let one = Worker::of(&store, "one").await;
    let two = Worker::of(&store, "two").await;
    let messages = events(2);
    append(&store, "a", messages.clone()).await;
    let claim = one.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(delivered(&two.claim(&store).await), ids_of(&messages));
    assert_eq!(one.try_claim(&store).await, []);
}

pub async fn says_when_a_group_is_unknown<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::new(&["nobody"]);
    match store.claim(&worker.request).await {
        Err(BackendError::UnknownGroup(unknown)) => assert_eq!(unknown, group("nobody")),
        result => panic!("not refused: {result:?}"),
    }
}

pub async fn a_postponed_lane_waits_and_counts_no_attempt<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(2);
    append(&store, "a", messages.clone()).await;
    let first = worker.claim(&store).await;
    store.postpone(&first.key, LEASE).await.unwrap();
    let late = store.postpone(&first.key, LEASE).await;
    assert!(matches!(late, Err(FenceError::Fenced { .. })), "{late:?}");
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(worker.try_claim(&store).await, []);
    assert_eq!(store.pending_lanes(&[group("g")]).await.unwrap(), 1);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let again = worker.colleague().claim(&store).await;
    assert_eq!(delivered(&again), ids_of(&messages));
    assert_eq!(again.attempts, 0, "nothing has failed");
    let state = store.lane(&group("g"), &stream("a")).await.unwrap();
    assert_eq!(state.unwrap().failure, None);
}

pub async fn a_released_lane_can_be_claimed_at_once<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(2);
    append(&store, "a", messages.clone()).await;
    let first = worker.claim(&store).await;
    store.release(&first.key).await.unwrap();
    let again = worker.colleague().claim(&store).await;
    assert_eq!(delivered(&again), ids_of(&messages));
    assert_eq!(again.attempts, 0, "a release is no failure");
    assert!(again.key.epoch > first.key.epoch);
}
