//! *schedule-once*: what is scheduled is stored with the rest, or not at all.

use sourced::backend::{AppendError, Scheduling, UnitCommit, Units as _};
use sourced::{ExpectedSeq, Payload};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::{HOUR, later, promote};

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
