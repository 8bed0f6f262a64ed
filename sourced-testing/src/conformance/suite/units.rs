//! Units: a whole chain stored at once, that overtakes nobody.

use sourced::ExpectedSeq;
use sourced::backend::{
    Backend, BackendError, Lane, Refusal, UnitCommit, UnitError, Units as _, Verdict,
};
use std::time::Duration;

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{Step, doc, steps};

/// A unit that appends one event to a stream and settles it for group `g`.
pub(super) fn unit(name: &str, expected: ExpectedSeq) -> UnitCommit {
    UnitCommit {
        appends: vec![to(name, expected, [event()])],
        settled: vec![Lane {
            group: group("g"),
            stream: stream(name),
        }],
        ..UnitCommit::default()
    }
}

pub async fn everything_is_stored_together<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let wish = command();
    let mut unit = unit("a", ExpectedSeq::NoStream);
    unit.appends.push(to("b", ExpectedSeq::Any, [wish.clone()]));
    unit.refusals.push(Refusal {
        command: wish.id,
        reason: "no".to_owned(),
    });
    unit.syncs.push(steps([Step::Put("k", 1)]));
    let places = store.commit_unit(unit.clone()).await.unwrap();
    assert_eq!(places.len(), 2);
    assert_eq!(places[0].id, unit.appends[0].messages[0].id);
    assert!(store.refusal(wish.id).await.unwrap().is_some());
    assert_eq!(doc(&store, "k").await, Some(1));
    let claim = worker.claim(&store).await;
    assert_eq!(claim.key.stream, stream("b"), "what is not settled is work");
}

pub async fn what_is_settled_is_no_work_but_what_comes_later_is<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let others = Worker::of(&store, "h").await;
    for expected in [ExpectedSeq::NoStream, ExpectedSeq::Exactly(seq(1))] {
        store.commit_unit(unit("a", expected)).await.unwrap();
    }
    assert!(worker.try_claim(&store).await.is_empty());
    assert_eq!(store.pending_lanes(&[group("g")]).await.unwrap(), 0);
    let claim = others.claim(&store).await;
    assert_eq!(claim.deliveries.len(), 2, "another group was not settled");
    let later = append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [later[0].id]);
    assert!(!claim.deliveries[0].replaying);
    store.ack(ack_all(&claim)).await.unwrap();
    store
        .commit_unit(unit("a", ExpectedSeq::Any))
        .await
        .unwrap();
    assert!(worker.try_claim(&store).await.is_empty());
}

/// Settling is refused, and nothing was stored.
async fn is_busy(store: &impl Backend, name: &str) {
    let before = read(store, name).await.len();
    let mut unit = unit(name, ExpectedSeq::Any);
    unit.syncs.push(steps([Step::Put("k", 1)]));
    match store.commit_unit(unit).await {
        Err(UnitError::Busy {
            group: g,
            stream: s,
        }) => assert_eq!((g, s), (group("g"), stream(name))),
        result => panic!("not busy: {result:?}"),
    }
    assert_eq!(read(store, name).await.len(), before);
    assert_eq!(doc(store, "k").await, None);
}

pub async fn a_lane_with_earlier_messages_is_not_settled<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    is_busy(&store, "a").await; // not sorted into a lane, perhaps
    let claim = worker.claim(&store).await;
    is_busy(&store, "a").await; // claimed
    store.release(&claim.key).await.unwrap();
    is_busy(&store, "a").await; // ready
    let claim = worker.claim(&store).await;
    let later = Verdict::RetryAfter(Duration::from_mins(30));
    store.fail(&claim.key, later, "later").await.unwrap();
    is_busy(&store, "a").await; // delayed
    harness
        .advance(&store, &guard, Duration::from_mins(31))
        .await;
    let claim = worker.claim(&store).await;
    store.fail(&claim.key, Verdict::Park, "bad").await.unwrap();
    is_busy(&store, "a").await; // parked
    let elsewhere = unit("b", ExpectedSeq::Any);
    store.commit_unit(elsewhere).await.unwrap();
}

pub async fn messages_the_group_does_not_handle_keep_no_lane_busy<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let mut decided = command();
    decided.decided_by = Some(group("g"));
    append(&store, "a", [other(), decided]).await;
    store
        .commit_unit(unit("a", ExpectedSeq::Any))
        .await
        .unwrap();
    assert!(worker.try_claim(&store).await.is_empty());
}

pub async fn a_conflict_or_a_failing_sync_action_stores_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let wrong = unit("a", ExpectedSeq::Exactly(seq(3)));
    let error = store.commit_unit(wrong).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    let mut failing = unit("a", ExpectedSeq::Any);
    failing
        .syncs
        .push(steps([Step::Put("k", 1), Step::Fail("no ink")]));
    match store.commit_unit(failing).await {
        Err(UnitError::Sync(failure)) => assert!(failure.to_string().contains("no ink")),
        result => panic!("not failed: {result:?}"),
    }
    assert!(read(&store, "a").await.is_empty());
    assert_eq!(doc(&store, "k").await, None);
    // The lane was left alone: what comes now is work.
    append(&store, "a", [event()]).await;
    assert_eq!(worker.claim(&store).await.deliveries.len(), 1);
}

pub async fn storing_the_same_unit_again_changes_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    Worker::of(&store, "g").await;
    let unit = unit("a", ExpectedSeq::NoStream);
    let first = store.commit_unit(unit.clone()).await.unwrap();
    let again = store.commit_unit(unit).await.unwrap();
    assert!(again[0].already_stored);
    assert_eq!(again[0].position, first[0].position);
    assert_eq!(read(&store, "a").await.len(), 1);
}

pub async fn says_what_it_cannot_settle<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    match store.commit_unit(unit("a", ExpectedSeq::Any)).await {
        Err(UnitError::Backend(BackendError::UnknownGroup(g))) => assert_eq!(g, group("g")),
        result => panic!("known: {result:?}"),
    }
    Worker::of(&store, "g").await;
    let mut elsewhere = unit("a", ExpectedSeq::Any);
    elsewhere.settled[0].stream = stream("b");
    assert!(store.commit_unit(elsewhere).await.is_err());
    assert!(read(&store, "a").await.is_empty());
}
