//! *schedule-once*: a message for later becomes visible at or after its time, once, and in order of its time.

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{
    AppendError, Backend, Change, Promotion, Scheduled, Scheduling, SetAside, StreamAppend, Waiting,
};
use sourced::{ExpectedSeq, MessageId, Metadata, NewMessage, Payload, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

const HOUR: Duration = Duration::from_hours(1);

pub async fn nothing_is_stored_before_its_time<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let now = harness.now(&guard);
    let message = event();
    schedule(&store, [later(now, HOUR, "a", &message)]).await;
    for _ in 0..2 {
        let promotion = store.promote(100).await.unwrap();
        assert_eq!((promotion.promoted, promotion.set_aside), (0, 0));
        assert!(promotion.next_in.unwrap() > Duration::ZERO);
        assert_eq!(read(&store, "a").await, []);
        assert_eq!(store.find(message.id).await.unwrap(), None);
        assert_eq!(worker.try_claim(&store).await, []);
        assert_eq!(store.pending_lanes(&[group("g")]).await.unwrap(), 0);
        let waiting = store.waiting(message.id).await.unwrap();
        assert!(matches!(waiting, Some(Waiting::Until(_))), "{waiting:?}");
        harness.advance(&store, &guard, HOUR / 3).await;
    }
}

pub async fn it_is_stored_at_its_time_as_it_was_made<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    append(&store, "a", [event()]).await;
    let mut message = command();
    message.causation_id = MessageId::from_uuid(uuid());
    message.correlation_id = message.causation_id.into();
    message.metadata = Metadata::new().with("user_id", "u-7");
    message.decided_by = Some(group("g"));
    message.payload = Payload::parse(r#"{"b":-0.0, "a":"ü\u0000"}"#).unwrap();
    schedule(&store, [later(now, HOUR, "a", &message)]).await;
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    let stored = read(&store, "a").await.remove(1);
    assert_eq!(stored.seq, seq(2));
    let expected =
        sourced::StoredMessage::stored(message, stream("a"), stored.seq, stored.position);
    assert_eq!(stored, expected);
    assert_eq!(store.log_end().await.unwrap(), stored.position);
    assert_eq!(store.waiting(stored.id).await.unwrap(), None);
}

pub async fn a_time_that_has_passed_has_come<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let passed = Timestamp::from_micros(harness.now(&guard).as_micros() - 60_000_000);
    let message = event();
    schedule(&store, [later(passed, Duration::ZERO, "a", &message)]).await;
    assert_eq!(read(&store, "a").await, []);
    let promotion = promote(&store).await;
    assert_eq!(promotion, Promotion::new(1, 0, None));
    assert_eq!(stored_ids(&read(&store, "a").await), [message.id]);
    assert_eq!(promote(&store).await, Promotion::default());
}

pub async fn it_is_promoted_once_by_many_at_the_same_time<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(200);
    let all = messages.iter().zip(0..);
    let all =
        all.map(|(message, nth)| later(now, Duration::ZERO, format!("s-{}", nth % 20), message));
    schedule(&store, all).await;
    harness.advance(&store, &guard, HOUR).await;
    let store = Arc::new(store);
    let promoters = (0..8).map(|_| {
        let store = Arc::clone(&store);
        spawn(async move { promote_all(&*store, 7).await })
    });
    let promoted: usize = join(promoters.collect()).await.into_iter().sum();
    assert_eq!(promoted, 200);
    let log = store
        .read_log(sourced::Position::START, 1_000)
        .await
        .unwrap();
    let mut stored = stored_ids(&log);
    stored.sort_unstable();
    let mut expected = ids_of(&messages);
    expected.sort_unstable();
    assert_eq!(stored, expected);
}

pub async fn a_stream_gets_them_in_the_order_of_their_times<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(5);
    let minutes = [3, 1, 2, 1, 2];
    for (message, minutes) in messages.iter().zip(minutes) {
        let delay = Duration::from_mins(minutes);
        schedule(&store, [later(now, delay, "a", message)]).await;
    }
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote_all(&store, 2).await, 5);
    let by_time = [1, 3, 2, 4, 0].map(|nth: usize| messages[nth].id);
    assert_eq!(stored_ids(&read(&store, "a").await), by_time);
}

pub async fn many_promoters_keep_the_order_of_each_stream<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(120);
    // The last one is due first.
    let all = messages.iter().zip(0_u64..).map(|(message, nth)| {
        let delay = Duration::from_secs(600 - nth);
        later(now, delay, format!("s-{}", nth % 3), message)
    });
    schedule(&store, all).await;
    harness.advance(&store, &guard, HOUR).await;
    let store = Arc::new(store);
    let promoters = (0..8).map(|_| {
        let store = Arc::clone(&store);
        spawn(async move { promote_all(&*store, 3).await })
    });
    join(promoters.collect()).await;
    for which in 0..3 {
        let of_stream: Vec<_> = messages.iter().skip(which).step_by(3).collect();
        let expected: Vec<_> = of_stream.iter().rev().map(|message| message.id).collect();
        assert_eq!(
            stored_ids(&read(&*store, format!("s-{which}")).await),
            expected
        );
    }
}

pub async fn a_promotion_keeps_to_its_limit_and_says_when_the_next_is_due<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    assert_eq!(store.promote(10).await.unwrap(), Promotion::default());
    let delays = [Duration::ZERO, Duration::ZERO, HOUR];
    schedule(&store, delays.map(|delay| later(now, delay, "a", &event()))).await;
    harness
        .advance(&store, &guard, Duration::from_secs(1))
        .await;
    let first = store.promote(1).await.unwrap();
    assert_eq!(first, Promotion::new(1, 0, Some(Duration::ZERO)));
    let second = store.promote(1).await.unwrap();
    assert_eq!((second.promoted, second.set_aside), (1, 0));
    let next_in = second.next_in.unwrap();
    assert!(next_in <= HOUR && next_in > HOUR / 2, "{next_in:?}");
    assert_eq!(store.promote(0).await.unwrap().promoted, 0);
}

pub async fn an_id_is_scheduled_once<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let message = event();
    let first = schedule(&store, [later(now, HOUR, "a", &message)]).await;
    assert_eq!(first, [Scheduling::Done]);
    let other = event();
    let both = [
        later(now, Duration::ZERO, "a", &message),
        later(now, Duration::ZERO, "a", &other),
    ];
    let again = schedule(&store, both).await;
    assert_eq!(again, [Scheduling::AlreadyScheduled, Scheduling::Done]);
    harness.advance(&store, &guard, HOUR / 2).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [other.id]);
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [other.id, message.id]);
}

pub async fn an_id_that_is_stored_is_not_scheduled<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let message = event();
    append(&store, "a", [message.clone()]).await;
    let again = schedule(&store, [later(now, Duration::ZERO, "a", &message)]).await;
    assert_eq!(again, [Scheduling::AlreadyStored]);
    assert_eq!(store.waiting(message.id).await.unwrap(), None);
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote(&store).await, Promotion::default());
    assert_eq!(read(&store, "a").await.len(), 1);
}

pub async fn an_id_appended_meanwhile_is_not_stored_twice<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(2);
    let both = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(&store, both).await;
    append(&store, "a", [messages[1].clone()]).await;
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await, Promotion::new(2, 0, None));
    let expected = [messages[1].id, messages[0].id];
    assert_eq!(stored_ids(&read(&store, "a").await), expected);
}

pub async fn an_id_of_another_stream_or_given_twice_is_refused<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let (stored, scheduled, new) = (event(), event(), event());
    append(&store, "a", [stored.clone()]).await;
    schedule(&store, [later(now, HOUR, "a", &scheduled)]).await;
    let to_b = |message: &NewMessage| later(now, HOUR, "b", message);
    is_taken(
        &store,
        Vec::new(),
        vec![to_b(&new), to_b(&stored)],
        stored.id,
    )
    .await;
    is_taken(
        &store,
        Vec::new(),
        vec![to_b(&new), to_b(&scheduled)],
        scheduled.id,
    )
    .await;
    is_taken(&store, Vec::new(), vec![to_b(&new), to_b(&new)], new.id).await;
    let append = to("b", ExpectedSeq::Any, [new.clone()]);
    is_taken(&store, vec![append], vec![to_b(&new)], new.id).await;
    assert_eq!(store.waiting(new.id).await.unwrap(), None);
    assert_eq!(read(&store, "b").await, []);
}

pub async fn appends_and_schedules_are_all_or_nothing<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    append(&store, "a", [event()]).await;
    let (message, follow_up) = (event(), event());
    let wrong = to("a", ExpectedSeq::NoStream, [message.clone()]);
    let follow_ups = vec![later(now, HOUR, "a", &follow_up)];
    let error = store.schedule(vec![wrong], follow_ups.clone()).await;
    assert!(error.unwrap_err().is_conflict());
    assert_eq!(store.waiting(follow_up.id).await.unwrap(), None);

    let right = to("a", ExpectedSeq::Exactly(seq(1)), [message.clone()]);
    let first = store
        .schedule(vec![right.clone()], follow_ups.clone())
        .await;
    let (appended, scheduling) = first.unwrap();
    assert_eq!((appended[0].id, appended[0].seq), (message.id, seq(2)));
    assert_eq!(scheduling, [Scheduling::Done]);
    // A retry after an ambiguous commit.
    let (appended, scheduling) = store.schedule(vec![right], follow_ups).await.unwrap();
    assert!(appended[0].already_stored);
    assert_eq!(scheduling, [Scheduling::AlreadyScheduled]);
    assert_eq!(read(&store, "a").await.len(), 2);
}

pub async fn an_ack_schedules_together_with_the_rest_or_not_at_all<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    let follow_up = event();
    let mut ack = ack_all(&claim);
    ack.schedules = vec![later(now, HOUR, "a", &follow_up)];
    ack.appends = vec![to("a", ExpectedSeq::NoStream, [event()])];
    assert!(store.ack(ack.clone()).await.unwrap_err().is_conflict());
    assert_eq!(store.waiting(follow_up.id).await.unwrap(), None);

    ack.appends = vec![to("a", ExpectedSeq::Exactly(seq(1)), [event()])];
    assert_eq!(store.ack(ack).await.unwrap().len(), 1);
    assert!(store.waiting(follow_up.id).await.unwrap().is_some());
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await)[2], follow_up.id);
}

pub async fn a_fenced_ack_schedules_nothing<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let _taken = worker.colleague().claim(&store).await;
    let follow_up = event();
    let mut ack = ack_all(&lost);
    ack.schedules = vec![later(now, HOUR, "a", &follow_up)];
    assert!(store.ack(ack).await.unwrap_err().is_fenced());
    assert_eq!(store.waiting(follow_up.id).await.unwrap(), None);
    assert_eq!(store.scheduled(None, 10).await.unwrap(), []);
}

pub async fn a_cancelled_one_is_never_stored<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(2);
    let both = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(&store, both).await;
    assert_eq!(store.cancel(messages[0].id).await.unwrap(), Change::Done);
    assert_eq!(store.cancel(messages[0].id).await.unwrap(), Change::Unknown);
    assert_eq!(store.waiting(messages[0].id).await.unwrap(), None);
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [messages[1].id]);
    // What was cancelled was never there, so its id is free.
    let again = schedule(&store, [later(now, HOUR, "b", &messages[0])]).await;
    assert_eq!(again, [Scheduling::Done]);
}

pub async fn a_rescheduled_one_waits_for_its_new_time<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(2);
    let both = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(&store, both).await;
    let at = now.saturating_add(3 * HOUR);
    let change = store.reschedule(messages[0].id, at).await.unwrap();
    assert_eq!(change, Change::Done);
    let waiting = store.waiting(messages[0].id).await.unwrap();
    assert_eq!(waiting, Some(Waiting::Until(at)));
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [messages[1].id]);
    // And sooner again.
    let change = store.reschedule(messages[0].id, now).await.unwrap();
    assert_eq!(change, Change::Done);
    assert_eq!(promote(&store).await.promoted, 1);
    let expected = [messages[1].id, messages[0].id];
    assert_eq!(stored_ids(&read(&store, "a").await), expected);
}

pub async fn what_is_in_its_stream_cannot_be_changed<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let message = event();
    schedule(&store, [later(now, Duration::ZERO, "a", &message)]).await;
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    let (late, unknown) = (message.id, event().id);
    assert_eq!(store.cancel(late).await.unwrap(), Change::AlreadyStored);
    assert_eq!(
        store.reschedule(late, now).await.unwrap(),
        Change::AlreadyStored
    );
    assert_eq!(store.cancel(unknown).await.unwrap(), Change::Unknown);
    assert_eq!(
        store.reschedule(unknown, now).await.unwrap(),
        Change::Unknown
    );
}

pub async fn they_are_listed_in_the_order_of_their_times<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    assert_eq!(store.scheduled(None, 10).await.unwrap(), []);
    let mut all: Vec<Scheduled> = [5, 1, 3, 3, 2, 3]
        .map(|minutes| later(now, Duration::from_mins(minutes), "a", &command()))
        .into();
    schedule(&store, all.clone()).await;
    all.sort_by_key(key);
    assert_eq!(store.scheduled(None, 10).await.unwrap(), all);
    let mut listed: Vec<Scheduled> = Vec::new();
    loop {
        let page = store.scheduled(listed.last().map(key), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, all);
}

pub async fn one_that_cannot_be_promoted_stops_nothing_else<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = with_a_bad_one(&store, now).await;
    harness.advance(&store, &guard, 2 * HOUR).await;
    let mut set_aside = 0;
    for _ in 0..3 {
        set_aside += store.promote(100).await.unwrap().set_aside;
    }
    assert_eq!(set_aside, 1);
    let expected = [messages[0].id, messages[2].id];
    assert_eq!(stored_ids(&read(&store, "a").await), expected);
    let aside = store.set_aside(10).await.unwrap();
    let ids: Vec<_> = aside.iter().map(|SetAside { id, .. }| *id).collect();
    assert_eq!(ids, [messages[1].id]);
    assert!(!aside[0].error.is_empty());
    // As messages are found by their ids, it is the other one that is found; this one waits for a person.
    let waiting = store.waiting(messages[1].id).await.unwrap();
    assert_eq!(waiting, Some(Waiting::SetAside(aside[0].error.clone())));
    assert_eq!(store.scheduled(None, 10).await.unwrap(), []);
    assert_eq!(store.promote(100).await.unwrap().next_in, None);
}

pub async fn what_was_set_aside_can_be_tried_again_or_forgotten<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let bad = with_a_bad_one(&store, now).await[1].id;
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.set_aside, 1);
    assert_eq!(store.reschedule(bad, now).await.unwrap(), Change::Done);
    assert_eq!(promote(&store).await.set_aside, 1);
    assert_eq!(store.cancel(bad).await.unwrap(), Change::Done);
    assert_eq!(store.set_aside(10).await.unwrap(), []);
    assert_eq!(store.cancel(bad).await.unwrap(), Change::AlreadyStored);
}

pub async fn what_is_too_large_is_refused<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let mut large = event();
    large.payload = Payload::encode(&"x".repeat(2 << 20)).unwrap();
    let all = vec![
        later(now, HOUR, "a", &event()),
        later(now, HOUR, "a", &large),
    ];
    let error = store.schedule(Vec::new(), all).await.unwrap_err();
    assert!(matches!(error, AppendError::Limit(_)), "{error:?}");
    assert_eq!(store.scheduled(None, 10).await.unwrap(), []);
}

pub async fn they_are_there_for_the_next_process<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let message = event();
    schedule(&store, [later(now, HOUR, "a", &message)]).await;
    let another = harness.another(&store, &guard).await;
    drop(store);
    assert_eq!(another.scheduled(None, 10).await.unwrap().len(), 1);
    harness.advance(&another, &guard, 2 * HOUR).await;
    assert_eq!(promote(&another).await.promoted, 1);
    let another = harness.another(&another, &guard).await;
    assert_eq!(stored_ids(&read(&another, "a").await), [message.id]);
    assert_eq!(promote(&another).await.promoted, 0);
}

pub async fn a_promotion_is_work_and_raises_the_signal<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let worker = Worker::of(&store, "g").await;
    let message = event();
    schedule(&store, [later(now, HOUR, "a", &message)]).await;
    harness.advance(&store, &guard, 2 * HOUR).await;
    let mut signal = store.signal();
    calm(&mut signal);
    assert_eq!(promote(&store).await.promoted, 1);
    signal.raised().await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [message.id]);
    assert!(!claim.deliveries[0].replaying);
}

fn later(
    now: Timestamp,
    delay: Duration,
    name: impl AsRef<str>,
    message: &NewMessage,
) -> Scheduled {
    Scheduled {
        at: now.saturating_add(delay),
        stream: stream(name),
        message: message.clone(),
    }
}

fn key(scheduled: &Scheduled) -> (Timestamp, MessageId) {
    (scheduled.at, scheduled.message.id)
}

async fn schedule(
    store: &impl Backend,
    all: impl IntoIterator<Item = Scheduled>,
) -> Vec<Scheduling> {
    let all = all.into_iter().collect();
    let (appended, scheduling) = store.schedule(Vec::new(), all).await.unwrap();
    assert_eq!(appended, []);
    scheduling
}

async fn promote(store: &impl Backend) -> Promotion {
    store.promote(1_000).await.unwrap()
}

/// Promotes until nothing is due any more; of several promoters, one may have to leave something to another.
async fn promote_all(store: &impl Backend, limit: usize) -> usize {
    let mut promoted = 0;
    for _ in 0..5_000 {
        let promotion = store.promote(limit).await.unwrap();
        promoted += promotion.promoted;
        if promotion.next_in != Some(Duration::ZERO) {
            return promoted;
        }
    }
    panic!("promoted {promoted} messages, and more are due")
}

/// Schedules three messages for one stream, of which the second is appended elsewhere meanwhile.
async fn with_a_bad_one(store: &impl Backend, now: Timestamp) -> Vec<NewMessage> {
    let messages = events(3);
    let all = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(store, all).await;
    append(store, "elsewhere", [messages[1].clone()]).await;
    messages
}

/// The call is refused because of this id, and nothing is stored.
async fn is_taken(
    store: &impl Backend,
    appends: Vec<StreamAppend>,
    later: Vec<Scheduled>,
    taken: MessageId,
) {
    match store.schedule(appends, later).await {
        Err(AppendError::IdTaken { id }) => assert_eq!(id, taken),
        result => panic!("not refused: {result:?}"),
    }
}
