//! *tick-once*: a recurrence is moved over a tick once, in the transaction that stores the tick's message.

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{Advance, AppendError, Backend, Progress, StreamAppend};
use sourced::{ExpectedSeq, NewMessage, RecurrenceId, Seq, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn one_that_never_moved_has_no_progress<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let before = harness.now(&guard);
    let seen = store.progress(&id("a")).await.unwrap();
    assert_eq!(seen.progress, None);
    // The store's clock may be coarser than the harness's, and on another machine.
    let away = seen
        .now
        .saturating_since(before)
        .max(before.saturating_since(seen.now));
    assert!(away < Duration::from_mins(10), "{away:?}");
}

pub async fn its_progress_is_kept_as_it_was_told<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let first = progress(1_700_000_000_123_456, None);
    is_done(&store, "a", None, &first, []).await;
    assert_eq!(seen(&store, "a").await, Some(first.clone()));
    let second = Progress {
        rule: "every 15 mínutes".to_owned(),
        since: Timestamp::from_micros(1_700_000_000_123_457),
        last: Some(Timestamp::from_micros(1_800_000_000_000_001)),
    };
    is_done(&store, "a", Some(&first), &second, []).await;
    let another = harness.another(&store, &guard).await;
    drop(store);
    assert_eq!(seen(&another, "a").await, Some(second));
}

pub async fn it_moves_together_with_its_message<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let mut signal = store.signal();
    calm(&mut signal);
    let message = command();
    let advance = store
        .advance(
            &id("a"),
            None,
            &progress(1, Some(1)),
            at_end("s", [message.clone()]),
        )
        .await;
    let Advance::Done(placed) = advance.unwrap() else {
        panic!("nobody else has moved it");
    };
    assert_eq!((placed.len(), placed[0].id), (1, message.id));
    assert_eq!((placed[0].seq, placed[0].already_stored), (seq(1), false));
    assert_eq!(stored_ids(&read(&store, "s").await), [message.id]);
    signal.raised().await;
    assert_eq!(delivered(&worker.claim(&store).await), [message.id]);
}

pub async fn who_has_seen_other_progress_is_refused<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let next = progress(9, Some(9));
    is_behind(&store, "a", Some(&progress(5, Some(5))), &next).await;
    let first = progress(5, None);
    is_done(&store, "a", None, &first, []).await;
    is_behind(&store, "a", None, &next).await;
    is_behind(&store, "a", Some(&progress(5, Some(5))), &next).await;
    let second = progress(5, Some(6));
    is_done(&store, "a", Some(&first), &second, []).await;
    let older = [
        progress(5, None),
        progress(5, Some(5)),
        progress(5, Some(7)),
        progress(4, Some(6)),
        Progress {
            rule: "another".to_owned(),
            ..second.clone()
        },
    ];
    for older in &older {
        is_behind(&store, "a", Some(older), &next).await;
    }
    assert_eq!(seen(&store, "a").await, Some(second));
}

pub async fn of_concurrent_moves_exactly_one_wins_each_round<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let another = Arc::new(harness.another(&store, &guard).await);
    let store = Arc::new(store);
    let mut from = None;
    for round in 1..=5 {
        let to = progress(0, Some(round));
        let movers = (0..16).map(|nth| {
            let store = Arc::clone(if nth % 2 == 0 { &store } else { &another });
            let (from, to) = (from.clone(), to.clone());
            spawn(async move {
                let append = at_end("s", [event()]);
                store.advance(&id("a"), from.as_ref(), &to, append).await
            })
        });
        let results = join(movers.collect()).await;
        let is_done = |result: &&_| matches!(result, Ok::<_, AppendError>(Advance::Done(_)));
        assert_eq!(results.iter().filter(is_done).count(), 1);
        let n_refused = results.iter().filter(|result| result.is_err()).count();
        assert_eq!(n_refused, 0, "{results:?}");
        assert_eq!(
            read(&*store, "s").await.len(),
            usize::try_from(round).unwrap()
        );
        from = Some(to);
    }
}

pub async fn a_refused_append_moves_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let stored = event();
    append(&store, "s", [stored.clone()]).await;
    let taken = at_end("t", [stored]);
    let conflict = vec![to("s", ExpectedSeq::NoStream, [event()])];
    let first = progress(1, None);
    for appends in [taken.clone(), conflict.clone()] {
        let refused = store.advance(&id("a"), None, &first, appends).await;
        assert!(
            !matches!(refused, Err(AppendError::Backend(_)) | Ok(_)),
            "{refused:?}"
        );
        assert_eq!(seen(&store, "a").await, None);
    }
    is_done(&store, "a", None, &first, []).await;
    for appends in [taken, conflict] {
        let to = progress(1, Some(2));
        let refused = store.advance(&id("a"), Some(&first), &to, appends).await;
        assert!(refused.is_err(), "{refused:?}");
        assert_eq!(seen(&store, "a").await, Some(first.clone()));
    }
    assert_eq!(read(&store, "s").await.len(), 1);
}

pub async fn a_message_that_is_stored_already_is_recognised<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let message = event();
    append(&store, "s", [message.clone()]).await;
    let to = progress(1, Some(1));
    let advance = store
        .advance(&id("a"), None, &to, at_end("s", [message.clone()]))
        .await;
    let Advance::Done(placed) = advance.unwrap() else {
        panic!("nobody else has moved it");
    };
    assert!(placed[0].already_stored);
    assert_eq!(placed[0].seq, Seq::FIRST);
    assert_eq!(stored_ids(&read(&store, "s").await), [message.id]);
    assert_eq!(seen(&store, "a").await, Some(to));
}

pub async fn recurrences_are_kept_apart<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for (name, at) in [("a", 1), ("A", 2), ("a ", 3)] {
        is_done(&store, name, None, &progress(at, None), []).await;
    }
    assert_eq!(seen(&store, "a").await, Some(progress(1, None)));
    assert_eq!(seen(&store, "A").await, Some(progress(2, None)));
}

fn id(name: &str) -> RecurrenceId {
    RecurrenceId::new(name).unwrap()
}

fn progress(since: i64, last: Option<i64>) -> Progress {
    Progress {
        rule: "every 1s".to_owned(),
        since: Timestamp::from_micros(since),
        last: last.map(Timestamp::from_micros),
    }
}

fn at_end(name: &str, messages: impl Into<Vec<NewMessage>>) -> Vec<StreamAppend> {
    vec![to(name, ExpectedSeq::Any, messages)]
}

async fn seen(store: &impl Backend, name: &str) -> Option<Progress> {
    store.progress(&id(name)).await.unwrap().progress
}

async fn is_done(
    store: &impl Backend,
    name: &str,
    from: Option<&Progress>,
    to: &Progress,
    appends: impl Into<Vec<StreamAppend>>,
) {
    let advance = store.advance(&id(name), from, to, appends.into()).await;
    assert_eq!(advance.unwrap(), Advance::Done(Vec::new()));
}

/// It is not moved, and nothing is stored.
async fn is_behind(store: &impl Backend, name: &str, from: Option<&Progress>, to: &Progress) {
    let before = seen(store, name).await;
    let message = event();
    let append = at_end("s", [message.clone()]);
    let advance = store.advance(&id(name), from, to, append).await;
    assert_eq!(advance.unwrap(), Advance::Behind, "from {from:?}");
    assert_eq!(seen(store, name).await, before);
    assert_eq!(store.find(message.id).await.unwrap(), None);
}
