//! *quarantine*: what cannot be read holds up its own stream, and what could be read is given.

use futures_util::StreamExt as _;
use sourced::backend::{Backend, BackendError, Group, GroupOrder, ReadLog, STRETCH, StartFrom};
use sourced::{MessageId, Position, Reader, Selection, StoredMessage, StreamId};

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

pub async fn a_page_ends_before_it_and_the_next_one_names_it<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let stored = five_of_two_streams(&store).await;
    let ids = stored_ids(&stored);
    if !harness.damage(&store, &guard, ids[2]).await {
        return;
    }
    let damaged = stored[2].position;
    let conversation = stored[2].correlation_id;
    for selection in [
        Selection::all(),
        Selection::all().streams(["a", "b"].map(stream)),
        Selection::all().stream_prefix(""),
        Selection::all().correlation(conversation),
    ] {
        let read = ReadLog::new(selection.clone());
        let before = store.read_log(&read).await.unwrap();
        assert_eq!(stored_ids(&before.messages), ids[..2]);
        assert!(!before.is_last);
        names(store.read_log(&read.beyond(&before)).await, damaged);
        let behind = ReadLog::new(selection.clone().after(damaged));
        let rest = store.read_log(&behind).await.unwrap();
        assert_eq!(stored_ids(&rest.messages), ids[3..]);
        assert!(rest.is_last);

        let read = ReadLog::new(selection.clone()).backwards();
        let above = store.read_log(&read).await.unwrap();
        assert_eq!(stored_ids(&above.messages), [ids[4], ids[3]]);
        names(store.read_log(&read.beyond(&above)).await, damaged);
        let below = ReadLog::new(selection.before(damaged)).backwards();
        let rest = store.read_log(&below).await.unwrap();
        assert_eq!(stored_ids(&rest.messages), [ids[1], ids[0]]);
    }
    // A page that is full before it ends as ever.
    let read = ReadLog::new(Selection::all()).limit(2);
    let full = store.read_log(&read).await.unwrap();
    assert_eq!(full.looked_to, stored[1].position);
    names(store.read_log(&read.beyond(&full)).await, damaged);
}

pub async fn a_feed_tells_of_it_once<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let stored = five_of_two_streams(&store).await;
    if !harness.damage(&store, &guard, stored[2].id).await {
        return;
    }
    let damaged = stored[2].position;
    let reader = Reader::new(harness.another(&store, &guard).await);
    for ends_with_the_log in [true, false] {
        let feed = reader.log(Selection::all());
        let mut messages = if ends_with_the_log {
            feed.stream()
        } else {
            feed.follow()
        };
        for expected in &stored[..2] {
            assert_eq!(messages.next().await.unwrap().unwrap().id, expected.id);
        }
        names(messages.next().await.unwrap(), damaged);
        assert!(messages.next().await.is_none(), "nobody passes it over");
    }
    let page = reader.log(Selection::all()).page(5).await.unwrap();
    assert_eq!(page.messages.len(), 2);
    let mut behind = reader.log(Selection::all().after(damaged)).follow();
    for expected in &stored[3..] {
        assert_eq!(behind.next().await.unwrap().unwrap().id, expected.id);
    }
}

/// In one conversation, alternating.
async fn five_of_two_streams(store: &impl Backend) -> Vec<StoredMessage> {
    let mut conversation = None;
    for name in ["a", "b", "a", "b", "a"] {
        let mut message = event();
        message.correlation_id = *conversation.get_or_insert(message.correlation_id);
        append(store, name, [message]).await;
    }
    log(store).await
}

/// It is said which message cannot be read.
fn names<T: std::fmt::Debug>(read: Result<T, BackendError>, damaged: Position) {
    match read {
        Err(BackendError::Unreadable { position, .. }) => assert_eq!(position, damaged),
        read => panic!("nothing is said of it: {read:?}"),
    }
}
