//! Stretches: what operators do, and what they are told.

use std::collections::BTreeSet;
use std::time::Duration;

use sourced::Position;
use sourced::backend::{
    Backend, QuarantineError, STRETCH, Swapped, TruncateError, Truncation, Upkeep as _,
    Versions as _,
};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::super::versions::{tried, two};
use super::{Handled, N_STREAMS, Place, far_behind, fits, is_lost, stretch};

pub async fn stopped_and_held_groups_are_given_none<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let g = group("g");
    let mut places = far_behind(&store).await;
    store.stop_group(&g, "a person did").await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    store.start_group(&g).await.unwrap();
    assert!(store.hold(&g, LEASE, Duration::ZERO).await.unwrap());
    assert_eq!(worker.try_claim(&store).await, []);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let mut handled = Handled::default();
    if let Some(claim) = stretch(harness, &store, &worker).await {
        // A running claim may finish.
        store.stop_group(&g, "once more").await.unwrap();
        handled.ack(&store, &claim, STRETCH).await;
        places.extend(far_behind(&store).await);
        assert_eq!(worker.try_claim(&store).await, []);
        store.start_group(&g).await.unwrap();
        let claim = stretch(harness, &store, &worker).await.unwrap();
        assert!(store.hold(&g, LEASE, Duration::ZERO).await.unwrap());
        handled.ack(&store, &claim, STRETCH).await;
        assert_eq!(worker.try_claim(&store).await, []);
        harness.advance(&store, &guard, AFTER_ITS_END).await;
    }
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
}

pub async fn it_is_listed_as_waiting_until_it_is_acknowledged<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut places = far_behind(&store).await;
    is_no_further(&store, &places, &Handled::default()).await;
    let mut handled = Handled::default();
    if let Some(claim) = stretch(harness, &store, &worker).await {
        is_no_further(&store, &places, &handled).await;
        let status = store.groups().await.unwrap().remove(0);
        assert!(status.pending >= 1 && status.parked == 0, "{status:?}");
        assert_eq!(store.parked(&group("g"), None, 10).await.unwrap(), []);
        let log = sourced::StreamId::log();
        assert_eq!(store.lane(&group("g"), &log).await.unwrap(), None);
        // Nothing of it waits in a lane yet.
        let first = &places[0];
        let name = stream(&first.stream);
        let skipped = store.skip(&group("g"), &name, first.position, "no").await;
        let is_refused = matches!(skipped, Err(QuarantineError::NotFirst { first: None, .. }));
        assert!(is_refused, "{skipped:?}");
        let skipped = store.skip(&group("g"), &log, first.position, "no").await;
        assert!(skipped.is_err(), "{skipped:?}");
        handled.ack(&store, &claim, 300).await;
        is_no_further(&store, &places, &handled).await;
    }
    // Whatever is given, it is told after each of them.
    places.extend(far_behind(&store).await);
    while handled.deliveries.len() < places.len() {
        for claim in worker.clone().lanes(7).try_claim(&store).await {
            is_no_further(&store, &places, &handled).await;
            let n = claim.deliveries.len();
            handled.ack(&store, &claim, (n / 2).max(1)).await;
            is_no_further(&store, &places, &handled).await;
        }
    }
    handled.are_each_once(&places);
    is_quiet(&store, &worker).await;
    let status = store.groups().await.unwrap().remove(0);
    assert_eq!((status.pending, status.lag()), (0, 0), "{status:?}");
    assert_eq!(status.handled_upto(), store.log_end().await.unwrap());
}

pub async fn given_back_it_is_listed_as_waiting<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = far_behind(&store).await;
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    store.release(&claim.key).await.unwrap();
    is_no_further(&store, &places, &Handled::default()).await;
    let log = sourced::StreamId::log();
    assert_eq!(store.lane(&group("g"), &log).await.unwrap(), None);
    let retried = store.retry_parked(&group("g"), &log, "no").await;
    assert!(retried.is_err(), "{retried:?}");
    let claims = worker.claim_lanes(&store, N_STREAMS).await;
    is_no_further(&store, &places, &Handled::default()).await;
    claims.iter().for_each(fits);
}

pub async fn never_swapped_while_one_is_held<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    let places = far_behind(&store).await;
    let (old, new) = (old.with_stretches(), new.with_stretches());
    let mut handled = Handled::default();
    handled.all(&store, &old).await;
    handled.are_each_once(&places);
    let mut of_new = Handled::default();
    if let Some(claim) = stretch(harness, &store, &new).await {
        assert_eq!(tried(&store).await, Swapped::Behind, "it is held");
        of_new.ack(&store, &claim, STRETCH - 1).await;
        assert_eq!(tried(&store).await, Swapped::Behind, "one is left of it");
    }
    of_new.all(&store, &new).await;
    of_new.are_each_once(&places);
    assert_eq!(tried(&store).await, Swapped::Done);
}

pub async fn fenced_by_a_swap<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    far_behind(&store).await;
    let held = stretch(harness, &store, &old.with_stretches()).await;
    drain(&store, &new.with_stretches()).await;
    assert_eq!(tried(&store).await, Swapped::Done);
    if let Some(claim) = held {
        is_lost(&store, &claim).await;
    }
}

pub async fn never_skipped_by_a_removal<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut places = far_behind(&store).await;
    let held = stretch(harness, &store, &worker).await;
    let remove = async |upto| {
        let truncation = Truncation {
            stream: stream("s-3"),
            upto: seq(upto),
            bases: Vec::new(),
        };
        store.truncate_stream(&truncation).await
    };
    let waits = remove(1).await;
    assert!(
        matches!(waits, Err(TruncateError::Waiting { .. })),
        "{waits:?}"
    );
    let mut handled = Handled::default();
    if let Some(claim) = held {
        handled.ack(&store, &claim, 10 * N_STREAMS).await;
        assert_eq!(remove(10).await.unwrap(), 10);
        let waits = remove(11).await;
        assert!(
            matches!(waits, Err(TruncateError::Waiting { .. })),
            "{waits:?}"
        );
    }
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
    // What is removed is not given again.
    remove(20).await.unwrap();
    let all = sourced::backend::ResetScope::All;
    let beginning = sourced::backend::ResetFrom::Beginning;
    let reset = store.reset_group(&group("g"), &all, beginning).await;
    reset.unwrap();
    places.extend(far_behind(&store).await);
    let mut n_removed = 0;
    places.retain(|place| {
        let is_removed = place.stream == "s-3" && n_removed < 20;
        n_removed += usize::from(is_removed);
        !is_removed
    });
    let mut again = Handled::default();
    again.all(&store, &worker).await;
    again.are_each_once(&places);
}

/// The group is told to be no further than what it has handled, and to have something to do if it has not handled all.
async fn is_no_further(store: &impl Backend, places: &[Place], handled: &Handled) {
    let positions = handled.deliveries.iter().map(|next| next.message.position);
    let handled: BTreeSet<Position> = positions.collect();
    let status = store.groups().await.unwrap().remove(0);
    let pending = store.pending_lanes(&[group("g")]).await.unwrap();
    let waiting = places.iter().map(|place| place.position);
    if let Some(first) = waiting.into_iter().find(|it| !handled.contains(it)) {
        assert!(status.handled_upto() < first, "{status:?}, {first} waits");
        assert!(pending > 0 && status.lag() > 0, "{pending}, {status:?}");
        assert!(!status.is_replaying, "{status:?}");
    }
}
