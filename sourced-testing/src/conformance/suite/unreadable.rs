//! *quarantine*: what cannot be read holds up its own stream, and what could be read is given.

use sourced::backend::{Group, GroupOrder, STRETCH, StartFrom};
use sourced::{MessageId, StreamId};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn it_parks_its_own_stream_and_no_other<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let (a, b, c) = (events(3), events(2), events(2));
    for (name, messages) in [("a", &a), ("b", &b), ("c", &c)] {
        append(&store, name, messages.clone()).await;
    }
    for damaged in [&a[1], &c[0]] {
        if !harness.damage(&store, &guard, damaged.id).await {
            return;
        }
    }
    let mut seen = drain(&store, &worker).await;
    seen.sort_unstable();
    let mut expected = vec![a[0].id, b[0].id, b[1].id];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    let parked = store.parked(&group("g"), None, 10).await.unwrap();
    let found: Vec<_> = parked
        .iter()
        .map(|lane| (lane.stream.as_str(), lane.failure.message))
        .collect();
    assert_eq!(found, [("a", a[1].id), ("c", c[0].id)]);
    assert!(parked[0].failure.error.contains("metadata"), "{parked:?}");
    for lane in &parked {
        let position = lane.failure.position;
        store
            .skip(&group("g"), &lane.stream, position, "damaged")
            .await
            .unwrap();
    }
    let mut seen = drain(&store, &worker).await;
    seen.sort_unstable();
    let mut expected = vec![a[2].id, c[1].id];
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

pub async fn in_global_order_what_comes_before_it_is_given<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let group = Group {
        id: group("o"),
        types: vec![type_name(HAPPENED)],
        start_from: StartFrom::Beginning,
        order: GroupOrder::Global,
    };
    store.register_group(&group).await.unwrap();
    let worker = Worker::new(&["o"]);
    let messages = events(3);
    for (message, name) in messages.iter().zip(["a", "b", "c"]) {
        append(&store, name, [message.clone()]).await;
    }
    if !harness.damage(&store, &guard, messages[1].id).await {
        return;
    }
    assert_eq!(drain(&store, &worker).await, [messages[0].id]);
    let parked = store.parked(&group.id, None, 10).await.unwrap().remove(0);
    assert_eq!(parked.failure.message, messages[1].id);
    let log = StreamId::log();
    store
        .skip(&group.id, &log, parked.failure.position, "damaged")
        .await
        .unwrap();
    assert_eq!(drain(&store, &worker).await, [messages[2].id]);
}

pub async fn a_stretch_with_it_comes_stream_by_stream<H: Harness>(harness: &H) {
    if !harness.gives_stretches() {
        return;
    }
    let (store, guard) = harness.fresh().await;
    let mut all: Vec<MessageId> = Vec::new();
    for nth in 0..STRETCH {
        let messages = events(2);
        all.extend(ids_of(&messages));
        append(&store, format!("s-{nth}"), messages).await;
    }
    let damaged = all[STRETCH];
    if !harness.damage(&store, &guard, damaged).await {
        return;
    }
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut seen = drain(&store, &worker).await;
    // What comes after it in its stream waits.
    all.drain(STRETCH..STRETCH + 2);
    seen.sort_unstable();
    all.sort_unstable();
    assert_eq!(seen, all);
    let parked = store.parked(&group("g"), None, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].failure.message, damaged);
}
