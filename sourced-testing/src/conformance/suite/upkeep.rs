//! Removing the beginning of a stream, and putting it back.

use std::time::Duration;

use sourced::backend::{
    Appended, Backend, BackendError, Left, ReadLog, ReadStream, RecentStreams, ResetFrom,
    ResetScope, Selection, Snapshot, Snapshots as _, TruncateError, Truncation, Upkeep as _,
    Verdict,
};
use sourced::{ExpectedSeq, Kind, Metadata, Payload, Seq, StoredMessage};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn what_is_removed_is_gone_and_the_rest_stays<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(5)).await;
    append(&store, "b", events(2)).await;
    let left = after(&store, "a", 3).await;
    assert_eq!(truncate(&store, "a", 3).await.unwrap(), 3);
    assert_eq!(after(&store, "a", 3).await, left);
    assert_eq!(seqs(&read(&store, "b").await), [1, 2]);
    assert_eq!(truncate(&store, "a", 3).await.unwrap(), 0, "once more");
    assert_eq!(truncate(&store, "a", 5).await.unwrap(), 2, "and farther");
    assert_eq!(after(&store, "a", 5).await, []);
    let nothing = ReadStream::all(stream("a")).after(Seq::new(5));
    assert_eq!(store.read_left(&nothing).await.unwrap(), Left::default());
}

pub async fn dense_seq_goes_on_after_the_last_one<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "b", events(1)).await;
    let last = append(&store, "a", events(3)).await.pop().unwrap();
    truncate(&store, "a", 3).await.unwrap();
    assert_eq!(store.log_end().await.unwrap(), last.position);
    let no_stream = to("a", ExpectedSeq::NoStream, events(1));
    let refused = store.append(vec![no_stream]).await;
    assert!(refused.unwrap_err().is_conflict());
    let old = to("a", ExpectedSeq::NoEventAfter(Some(seq(2))), events(1));
    assert!(store.append(vec![old]).await.unwrap_err().is_conflict());
    let next = to("a", ExpectedSeq::Exactly(seq(3)), events(1));
    let next = store.append(vec![next]).await.unwrap().remove(0);
    assert_eq!(next.seq, seq(4));
    assert!(next.position > last.position);
}

pub async fn same_id_once_holds_for_what_is_removed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let messages = events(2);
    let first = append(&store, "a", messages.clone()).await;
    truncate(&store, "a", 2).await.unwrap();
    let again = append(&store, "a", messages.clone()).await;
    let places = |all: &[Appended]| -> Vec<_> { all.iter().map(|a| (a.seq, a.position)).collect() };
    assert_eq!(places(&again), places(&first));
    assert!(again.iter().all(|appended| appended.already_stored));
    let elsewhere = to("b", ExpectedSeq::Any, messages);
    assert!(store.append(vec![elsewhere]).await.is_err());
}

pub async fn whoever_would_have_to_read_it_is_told<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let root = command();
    let mut caused = event();
    caused.correlation_id = root.correlation_id;
    let messages = vec![root.clone(), caused, command(), event()];
    append(&store, "a", messages.clone()).await;
    truncate(&store, "a", 3).await.unwrap();

    let all = ReadStream::all(stream("a"));
    removed(store.read_stream(all.clone()).await, 3);
    removed(store.read_stream(all.clone().only(Kind::Event)).await, 2);
    removed(store.read_stream(all.clone().after(Seq::new(1))).await, 3);
    removed(store.read_stream(all.clone().limit(1)).await, 1);
    removed(store.find(root.id).await, 1);
    removed(store.read_correlation(root.correlation_id).await, 2);
    // Nothing of what these ask for is missing.
    let events_left = all.only(Kind::Event).after(Seq::new(2));
    let left = store.read_stream(events_left).await.unwrap();
    assert_eq!(stored_ids(&left), [messages[3].id]);
    assert_eq!(
        store.find(messages[3].id).await.unwrap().as_ref(),
        left.first()
    );
}

pub async fn the_log_passes_over_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut left = Vec::new();
    for nth in 0..6 {
        let name = if nth % 2 == 0 { "a" } else { "b" };
        left.extend(append(&store, name, events(1)).await);
    }
    truncate(&store, "a", 3).await.unwrap();
    let mut seen = Vec::new();
    let mut read = ReadLog::new(Selection::all()).limit(1);
    loop {
        let page = store.read_log(&read).await.unwrap();
        seen.extend(page.messages.iter().map(|message| message.id));
        if page.is_last {
            break;
        }
        read = read.beyond(&page);
    }
    let of_b = left.iter().skip(1).step_by(2);
    assert_eq!(seen, of_b.map(|appended| appended.id).collect::<Vec<_>>());
}

pub async fn nothing_beyond_the_end_can_be_removed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    for (name, end) in [("a", Seq::new(2)), ("nobody", None)] {
        match truncate(&store, name, 3).await {
            Err(TruncateError::BeyondEnd { last, .. }) => assert_eq!(last, end),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seqs(&read(&store, "a").await), [1, 2]);
}

pub async fn never_skipped_what_a_group_has_to_handle<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    append(&store, "a", events(3)).await;
    let worker = Worker::of(&store, "cart").await.messages_per_lane(1);
    // Not sorted into a lane yet.
    waits(&store, 1, "cart", 1).await;
    let claim = worker.claim(&store).await;
    waits(&store, 1, "cart", 1).await;
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(truncate(&store, "a", 1).await.unwrap(), 1);

    let claim = worker.claim(&store).await;
    let later = Verdict::RetryAfter(Duration::from_hours(1));
    store.fail(&claim.key, later, "not now").await.unwrap();
    waits(&store, 3, "cart", 2).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let claim = worker.claim(&store).await;
    store
        .fail(&claim.key, Verdict::Park, "never")
        .await
        .unwrap();
    waits(&store, 2, "cart", 2).await;
    store
        .stop_group(&group("cart"), "maintenance")
        .await
        .unwrap();
    waits(&store, 2, "cart", 2).await;

    // Whose group is gone, or was never to handle it, waits no longer.
    register(&store, "mail", &[OTHER]).await;
    store.remove_group(&group("cart")).await.unwrap();
    assert_eq!(truncate(&store, "a", 3).await.unwrap(), 2);
}

pub async fn never_skipped_what_is_owed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [other(), event()]).await;
    register(&store, "cart", &[HAPPENED]).await;
    let worker = Worker::new(&["cart"]);
    assert_eq!(drain(&store, &worker).await.len(), 1);
    register(&store, "cart", &[HAPPENED, OTHER]).await;
    waits(&store, 2, "cart", 1).await;
    // Given up again, it is nobody's, and taken up once more it is gone.
    register(&store, "cart", &[HAPPENED]).await;
    assert_eq!(truncate(&store, "a", 2).await.unwrap(), 2);
    register(&store, "cart", &[HAPPENED, OTHER]).await;
    assert_eq!(drain(&store, &worker).await, []);
    is_quiet(&store, &worker).await;
}

pub async fn never_skipped_what_a_named_group_needs_it_for<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(4)).await;
    let worker = Worker::of(&store, "cart").await.messages_per_lane(2);
    let claim = worker.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    let mut truncation = Truncation {
        stream: stream("a"),
        upto: seq(2),
        bases: vec![(group("cart"), snapshot(&store, 3).await)],
    };
    match store.truncate_stream(&truncation).await {
        Err(TruncateError::Waiting { seq: first, .. }) => assert_eq!(first, seq(3)),
        other => panic!("{other:?}"),
    }
    let key = (group("cart"), stream("a"));
    assert_eq!(
        store.base(&key.0, &key.1).await.unwrap(),
        None,
        "it was refused"
    );
    truncation.bases = vec![
        (group("cart"), snapshot(&store, 2).await),
        (group("nobody"), snapshot(&store, 4).await),
    ];
    assert_eq!(store.truncate_stream(&truncation).await.unwrap(), 2);
}

pub async fn the_snapshots_that_take_its_place_are_kept<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(4)).await;
    let (cart, a) = (group("cart"), stream("a"));
    assert_eq!(store.base(&cart, &a).await.unwrap(), None);
    let (third, fourth) = (snapshot(&store, 3).await, snapshot(&store, 4).await);
    for last in [snapshot(&store, 2).await, third.clone()] {
        let truncation = Truncation {
            stream: a.clone(),
            upto: last.seq,
            bases: vec![(cart.clone(), last.clone())],
        };
        store.truncate_stream(&truncation).await.unwrap();
        assert_eq!(store.base(&cart, &a).await.unwrap(), Some(last));
    }
    store.save_snapshot(&cart, &a, &fourth).await.unwrap();
    assert_eq!(store.base(&cart, &a).await.unwrap(), Some(third));
    assert_eq!(store.snapshot(&cart, &a).await.unwrap(), Some(fourth));
    assert_eq!(store.base(&group("mail"), &a).await.unwrap(), None);
    assert_eq!(store.base(&cart, &stream("b")).await.unwrap(), None);
    store.delete_snapshot(&cart, &a).await.unwrap();
    assert_eq!(store.base(&cart, &a).await.unwrap(), None);
}

pub async fn a_replay_begins_with_what_is_left<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let left = append(&store, "a", events(4)).await.split_off(2);
    append(&store, "b", events(2)).await;
    let worker = Worker::of(&store, "cart").await;
    assert_eq!(drain(&store, &worker).await.len(), 6);
    truncate(&store, "a", 2).await.unwrap();
    truncate(&store, "b", 2).await.unwrap();

    for scope in [
        ResetScope::All,
        ResetScope::Stream(stream("a")),
        ResetScope::Stream(stream("b")),
        ResetScope::All,
    ] {
        reset(&store, &scope).await;
        let seen = drain(&store, &worker).await;
        let is_b = scope == ResetScope::Stream(stream("b"));
        let expected: Vec<_> = left.iter().map(|appended| appended.id).collect();
        assert_eq!(seen, if is_b { Vec::new() } else { expected }, "{scope:?}");
        is_quiet(&store, &worker).await;
    }
    // What comes then is no replay, and a new group gets what is left, too.
    append(&store, "b", events(1)).await;
    let claim = worker.claim(&store).await;
    assert!(!claim.deliveries[0].replaying);
    let new = Worker::of(&store, "mail").await;
    assert_eq!(drain(&store, &new).await.len(), 3);
}

pub async fn a_replay_that_is_not_over_is_waited_for<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    let worker = Worker::of(&store, "cart").await;
    drain(&store, &worker).await;
    reset(&store, &ResetScope::All).await;
    waits(&store, 2, "cart", 1).await;
    drain(&store, &worker).await;
    assert_eq!(truncate(&store, "a", 2).await.unwrap(), 2);
}

pub async fn what_was_skipped_is_still_told<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let place = append(&store, "a", events(1)).await.remove(0);
    let worker = Worker::of(&store, "cart").await;
    let claim = worker.claim(&store).await;
    store
        .fail(&claim.key, Verdict::Park, "broken")
        .await
        .unwrap();
    store
        .skip(&group("cart"), &stream("a"), place.position, "known")
        .await
        .unwrap();
    truncate(&store, "a", 1).await.unwrap();
    let skip = store.skip_of(&group("cart"), place.position).await.unwrap();
    assert_eq!(skip.unwrap().type_name.as_str(), HAPPENED);
    let lane = store.lane(&group("cart"), &stream("a")).await.unwrap();
    assert_eq!(lane.unwrap().failure, None);
}

pub async fn what_is_put_back_is_as_it_was<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut tricky = message(Kind::Command, WISHED, r#"{"z":-0.0,"a":"\u0000 🛒","z":1}"#);
    tricky.metadata = Metadata::new().with("who", "me");
    let messages = vec![event(), tricky, event()];
    append(&store, "a", messages).await;
    let worker = Worker::of(&store, "cart").await;
    drain(&store, &worker).await;
    let before = read(&store, "a").await;
    truncate(&store, "a", 3).await.unwrap();
    assert_eq!(store.restore(&before[1..]).await.unwrap(), 2);
    let part = ReadStream::all(stream("a")).limit(2);
    let left = store.read_left(&part).await.unwrap();
    assert_eq!(left.messages, before[1..2]);
    assert_eq!(left.looked_upto, Seq::new(2));
    let rest = store
        .read_left(&part.after(left.looked_upto))
        .await
        .unwrap();
    assert_eq!(rest.messages, before[2..]);
    removed(store.read_stream(ReadStream::all(stream("a"))).await, 1);
    assert_eq!(store.restore(&before).await.unwrap(), 1);
    assert_eq!(store.restore(&before).await.unwrap(), 0);
    assert_eq!(read(&store, "a").await, before);
    // No new work, but history again.
    is_quiet(&store, &worker).await;
    reset(&store, &ResetScope::All).await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), stored_ids(&before));
    assert!(claim.deliveries.iter().all(|delivery| delivery.replaying));
}

pub async fn what_was_never_there_is_not_put_back<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    append(&store, "b", events(2)).await;
    let before = read(&store, "a").await;
    truncate(&store, "a", 2).await.unwrap();
    let [first, second] = &before[..] else {
        panic!("there were two")
    };
    for wrong in [
        StoredMessage::stored(event(), first.stream_id.clone(), first.seq, first.position),
        StoredMessage::stored(
            second.clone().into(),
            stream("a"),
            first.seq,
            second.position,
        ),
        StoredMessage::stored(
            second.clone().into(),
            stream("b"),
            second.seq,
            second.position,
        ),
        StoredMessage::stored(
            second.clone().into(),
            stream("a"),
            second.seq,
            first.position,
        ),
    ] {
        let refused = store.restore(&[first.clone(), wrong]).await;
        assert!(
            matches!(refused, Err(BackendError::Refused(_))),
            "{refused:?}"
        );
        removed(store.read_stream(ReadStream::all(stream("a"))).await, 2);
    }
}

pub async fn recent_streams_come_newest_first_in_pages<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let empty = store.recent_streams(None, 10).await.unwrap();
    assert_eq!(empty, RecentStreams::default());
    for name in ["a", "b", "c", "a", "d", "b", "b"] {
        append(&store, name, events(1)).await;
    }
    let guard = to("guarded", ExpectedSeq::NoStream, []);
    store.append(vec![guard]).await.unwrap();
    truncate(&store, "b", 3).await.unwrap();
    for limit in [1, 2, 10] {
        let (mut seen, mut next) = (Vec::new(), None);
        loop {
            let page = store.recent_streams(next, limit).await.unwrap();
            assert!(page.streams.len() <= limit);
            for recent in page.streams {
                seen.push((recent.id.as_str().to_owned(), recent.last.get()));
                assert_eq!(recent.at, event().created_at);
            }
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let expected = [("b", 3), ("d", 1), ("a", 2), ("c", 1)];
        assert_eq!(seen, expected.map(|(name, last)| (name.to_owned(), last)));
    }
}

pub async fn recent_streams_are_looked_for_in_a_part_of_the_log<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "quiet", events(1)).await;
    for _ in 0..2 {
        append(
            &store,
            "busy",
            events(RecentStreams::MOST_LOOKED_AT / 2 + 1),
        )
        .await;
    }
    let first = store.recent_streams(None, 10).await.unwrap();
    let names = |page: &RecentStreams| {
        page.streams
            .iter()
            .map(|s| s.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), [stream("busy")]);
    let rest = store.recent_streams(first.next, 10).await.unwrap();
    assert_eq!(names(&rest), [stream("quiet")]);
}

pub async fn statistics_tell_about_how_much_there_is<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let empty = store.statistics().await.unwrap();
    assert_eq!((empty.messages, empty.streams), (0, 0));
    append(&store, "a", events(3)).await;
    append(&store, "b", events(1)).await;
    truncate(&store, "a", 2).await.unwrap();
    let some = store.statistics().await.unwrap();
    assert_eq!((some.messages, some.streams), (4, 2));
    assert!(some.bytes.is_none_or(|bytes| bytes > 1_000));
}

/// At the event of this seq, of the stream `a`.
async fn snapshot(store: &impl Backend, last: u64) -> Snapshot {
    let (before, a) = (Seq::new(last - 1), stream("a"));
    let read = ReadStream::all(a).after(before);
    let event = store.read_stream(read).await.unwrap().remove(0);
    Snapshot {
        seq: event.seq,
        event: event.id,
        fingerprint: u64::MAX,
        state: Payload::parse(format!(r#"{{"last":{last}}}"#)).unwrap(),
    }
}

async fn truncate(store: &impl Backend, name: &str, upto: u64) -> Result<u64, TruncateError> {
    let truncation = Truncation {
        stream: stream(name),
        upto: seq(upto),
        bases: Vec::new(),
    };
    store.truncate_stream(&truncation).await
}

/// The stream `a` cannot be removed up to a seq, as this group has to handle that one.
async fn waits(store: &impl Backend, upto: u64, by: &str, first: u64) {
    match truncate(store, "a", upto).await {
        Err(TruncateError::Waiting {
            group: found,
            stream: of,
            seq: waiting,
        }) => assert_eq!((found, of, waiting), (group(by), stream("a"), seq(first))),
        other => panic!("{other:?}"),
    }
}

async fn reset(store: &impl Backend, scope: &ResetScope) {
    let group = group("cart");
    let reset = store.reset_group(&group, scope, ResetFrom::Beginning);
    reset.await.unwrap();
}

async fn after(store: &impl Backend, name: &str, last: u64) -> Vec<StoredMessage> {
    let read = ReadStream::all(stream(name)).after(Seq::new(last));
    store.read_stream(read).await.unwrap()
}

fn removed<T: std::fmt::Debug>(result: Result<T, BackendError>, last: u64) {
    match result {
        Err(BackendError::Removed { stream: of, upto }) => {
            assert_eq!((of, upto), (stream("a"), seq(last)));
        }
        other => panic!("{other:?}"),
    }
}
