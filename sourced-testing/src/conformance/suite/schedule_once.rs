//! *schedule-once*: a message for later becomes visible at or after its time, once, and in order of its time.

use std::time::Duration;

use sourced::backend::{Backend, Promotion, Scheduled, Scheduling, Waiting};
use sourced::{MessageId, Metadata, NewMessage, Payload, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;

mod changes;
mod ids;
mod order;
mod together;

pub use changes::*;
pub use ids::*;
pub use order::*;
pub use together::*;

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
