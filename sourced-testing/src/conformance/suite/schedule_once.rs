//! *schedule-once*: a message for later becomes visible at or after its time, once, and in order of its time.

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{
    AppendError, Backend, Promotion, Scheduled, Scheduling, StreamAppend, UnitCommit, Units as _,
    Waiting,
};
use sourced::{ExpectedSeq, MessageId, Metadata, NewMessage, Payload, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

mod changes;
pub use changes::*;

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

pub async fn a_unit_schedules_together_with_the_rest_or_not_at_all<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let follow_up = event();
    let mut unit = UnitCommit {
        appends: vec![to("a", ExpectedSeq::Exactly(seq(1)), [event()])],
        schedules: vec![later(now, HOUR, "b", &follow_up)],
        ..UnitCommit::default()
    };
    let error = store.commit_unit(unit.clone()).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    assert_eq!(store.waiting(follow_up.id).await.unwrap(), None);
    unit.appends[0].expected = ExpectedSeq::NoStream;
    for _ in 0..2 {
        assert_eq!(store.commit_unit(unit.clone()).await.unwrap().len(), 1);
        assert_eq!(store.scheduled(None, 10).await.unwrap().len(), 1);
    }
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "b").await), [follow_up.id]);
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
