//! *same-id-once*: appending a message again is recognised, so that a retry is a success and not a second message.

use std::sync::Arc;

use sourced::backend::{AppendError, Backend, StreamAppend};
use sourced::{ExpectedSeq, MessageId, NewMessage};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn a_retry_gets_the_first_places<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let appends = vec![
        to("a", ExpectedSeq::Any, events(2)),
        to("b", ExpectedSeq::Any, [command()]),
    ];
    let mut first = store.append(appends.clone()).await.unwrap();
    append(&store, "a", [event()]).await;
    let end = store.log_end().await.unwrap();
    let again = store.append(appends).await.unwrap();
    for place in &mut first {
        assert!(!place.already_stored);
        place.already_stored = true;
    }
    assert_eq!(again, first);
    assert_eq!(store.log_end().await.unwrap(), end);
    assert_eq!(seqs(&read(&store, "a").await), [1, 2, 3]);
}

pub async fn a_retry_is_recognised_before_its_expectation_is_looked_at<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let one = to("a", ExpectedSeq::NoStream, [event()]);
    let two = to("a", ExpectedSeq::Exactly(seq(1)), [event()]);
    let three = to("a", ExpectedSeq::NoEventAfter(Some(seq(2))), [event()]);
    for appends in [&one, &two, &three] {
        store.append(vec![appends.clone()]).await.unwrap();
    }
    for (appends, place) in [(one, 1), (two, 2), (three, 3)] {
        let again = store.append(vec![appends]).await.unwrap();
        assert!(again[0].already_stored);
        assert_eq!(again[0].seq, seq(place));
    }
    assert_eq!(seqs(&read(&store, "a").await), [1, 2, 3]);
}

pub async fn a_partial_retry_with_any_appends_the_rest<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let messages = events(4);
    append(&store, "a", [messages[1].clone()]).await;
    append(&store, "a", [messages[3].clone()]).await;
    let appended = append(&store, "a", messages.clone()).await;
    let found: Vec<_> = appended
        .iter()
        .map(|place| (place.id, place.seq.get(), place.already_stored))
        .collect();
    let expected = [
        (messages[0].id, 3, false),
        (messages[1].id, 1, true),
        (messages[2].id, 4, false),
        (messages[3].id, 2, true),
    ];
    assert_eq!(found, expected);
    assert_eq!(seqs(&read(&store, "a").await), [1, 2, 3, 4]);
}

pub async fn a_partial_retry_with_an_expectation_is_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let stored = event();
    append(&store, "a", [stored.clone()]).await;
    for expected in [
        ExpectedSeq::NoStream,
        ExpectedSeq::Exactly(seq(1)),
        ExpectedSeq::NoEventAfter(Some(seq(1))),
    ] {
        for messages in [[stored.clone(), event()], [event(), stored.clone()]] {
            is_taken(&store, vec![to("a", expected, messages)], stored.id).await;
        }
    }
}

pub async fn a_partial_retry_over_streams_goes_by_the_stream_of_the_rest<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let stored = event();
    append(&store, "a", [stored.clone()]).await;
    let known = to("a", ExpectedSeq::NoStream, [stored.clone()]);
    for expected in [ExpectedSeq::NoStream, ExpectedSeq::NoEventAfter(None)] {
        let rest = to("b", expected, [event()]);
        is_taken(&store, vec![known.clone(), rest.clone()], stored.id).await;
        is_taken(&store, vec![rest, known.clone()], stored.id).await;
    }
    let rest = to("b", ExpectedSeq::Any, [event()]);
    let appended = store.append(vec![known, rest]).await.unwrap();
    let known: Vec<bool> = appended.iter().map(|place| place.already_stored).collect();
    assert_eq!(known, [true, false]);
    assert_eq!(seqs(&read(&store, "b").await), [1]);
}

pub async fn an_id_of_another_stream_is_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let stored = event();
    append(&store, "a", [stored.clone()]).await;
    for expected in [ExpectedSeq::Any, ExpectedSeq::NoStream] {
        let messages = [event(), stored.clone()];
        is_taken(&store, vec![to("b", expected, messages)], stored.id).await;
    }
}

pub async fn an_id_given_twice_is_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let twice = event();
    let messages = [twice.clone(), event(), twice.clone()];
    let in_one = to("a", ExpectedSeq::Any, messages);
    is_taken(&store, vec![in_one], twice.id).await;
    let in_two = ["a", "b"].map(|name| to(name, ExpectedSeq::Any, [twice.clone()]));
    is_taken(&store, in_two.to_vec(), twice.id).await;
    assert_eq!(store.find(twice.id).await.unwrap(), None);
}

pub async fn concurrent_retries_store_one_message<H: Harness>(harness: &H) {
    for expected in [ExpectedSeq::Any, ExpectedSeq::NoStream] {
        let (store, _guard) = harness.fresh().await;
        let store = Arc::new(store);
        let messages: Vec<NewMessage> = events(3);
        let writers = (0..16).map(|_| {
            let store = Arc::clone(&store);
            let append = to("a", expected, messages.clone());
            spawn(async move { store.append(vec![append]).await.unwrap() })
        });
        let mut firsts = 0;
        for appended in join(writers.collect()).await {
            let places: Vec<u64> = appended.iter().map(|place| place.seq.get()).collect();
            assert_eq!(places, [1, 2, 3]);
            firsts += usize::from(!appended[0].already_stored);
        }
        assert_eq!(firsts, 1);
        assert_eq!(stored_ids(&read(&*store, "a").await), ids_of(&messages));
    }
}

/// The append is refused because of this id, and nothing is stored.
async fn is_taken(store: &impl Backend, appends: Vec<StreamAppend>, taken: MessageId) {
    let end = store.log_end().await.unwrap();
    match store.append(appends).await {
        Err(AppendError::IdTaken { id }) => assert_eq!(id, taken),
        result => panic!("not refused: {result:?}"),
    }
    assert_eq!(store.log_end().await.unwrap(), end);
}
