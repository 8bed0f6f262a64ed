//! Stretches: what else is in the log, or comes to it, and who else is given something.

use std::collections::BTreeSet;

use sourced::ExpectedSeq;
use sourced::backend::{Backend, STRETCH, UnitError, Units as _};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::super::units::unit;
use super::{Handled, N_STREAMS, Place, far_behind, fill, put, stretch};

pub async fn other_types_in_between_are_passed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[HAPPENED]).await;
    let worker = Worker::new(&["g"]).with_stretches();
    let mut places = Vec::new();
    for round in 0..50 {
        let next = |nth: usize| (nth + round).is_multiple_of(3);
        let names = (0..90).map(|nth| {
            (
                format!("s-{nth}"),
                if next(nth) { other() } else { event() },
            )
        });
        let put = put(&store, names).await;
        let own = put.into_iter().enumerate().filter(|(nth, _)| !next(*nth));
        places.extend(own.map(|(_, place)| place));
    }
    let mut handled = Handled::default();
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
    assert_eq!(handled.n_stretches > 1, harness.gives_stretches());
    is_quiet(&store, &worker).await;
}

pub async fn a_long_run_of_other_types_is_passed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[HAPPENED]).await;
    let worker = Worker::new(&["g"]).with_stretches();
    let mut places = Vec::new();
    let run = async || {
        for name in ["x", "y", "z"] {
            let others: Vec<_> = (0..4_000).map(|_| other()).collect();
            append(&store, name, others).await;
        }
    };
    places.extend(fill(&store, "s", 5, 2).await);
    run().await;
    places.extend(fill(&store, "s", 10, 1).await);
    run().await;
    places.extend(far_behind(&store).await);
    run().await;
    let mut handled = Handled::default();
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
    is_quiet(&store, &worker).await;
    let status = store.groups().await.unwrap().remove(0);
    assert!(status.handled_upto() >= places[places.len() - 1].position);
    // Nothing of it counts as far behind.
    let later = append(&store, "s-0", [event()]).await;
    assert_eq!(delivered(&worker.claim(&store).await), [later[0].id]);
}

pub async fn what_the_group_decided_itself_is_not_given_to_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let both = [Worker::of(&store, "g").await, Worker::of(&store, "h").await];
    let mut places = Vec::new();
    for round in 0..50 {
        let message = |nth: usize| {
            let mut message = command();
            message.decided_by = (nth + round).is_multiple_of(4).then(|| group("g"));
            (format!("s-{nth}"), message)
        };
        places.extend(put(&store, (0..40).map(message)).await);
    }
    let is_own = |at: usize| (at % 40 + at / 40).is_multiple_of(4);
    let given = places.iter().enumerate().filter(|(at, _)| !is_own(*at));
    let given: Vec<Place> = given.map(|(_, place)| place.clone()).collect();
    for (worker, expected) in both.into_iter().zip([given, places]) {
        let worker = worker.with_stretches();
        let mut handled = Handled::default();
        handled.all(&store, &worker).await;
        handled.are_each_once(&expected);
        assert_eq!(handled.n_stretches > 0, harness.gives_stretches());
    }
}

pub async fn what_comes_while_it_is_held_comes_after_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut places = far_behind(&store).await;
    let mut handled = Handled::default();
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    places.extend(fill(&store, "s", 2 * N_STREAMS, 1).await);
    for asks in [&worker, &worker.colleague()] {
        assert_eq!(asks.try_claim(&store).await, []);
    }
    places.extend(far_behind(&store).await);
    assert_eq!(worker.try_claim(&store).await, []);
    handled.ack(&store, &claim, STRETCH).await;
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
    assert!(handled.n_stretches > 1);
}

pub async fn a_unit_overtakes_none_of_its_streams<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut places = far_behind(&store).await;
    let held = stretch(harness, &store, &worker).await;
    let own = places[0].stream.clone();
    is_busy(&store, &own).await;
    let elsewhere = unit("elsewhere", ExpectedSeq::Any);
    store.commit_unit(elsewhere).await.unwrap();
    let mut handled = Handled::default();
    if let Some(claim) = held {
        handled.ack(&store, &claim, STRETCH).await;
        // Of the rest of the log.
        is_busy(&store, &places[places.len() - 1].stream).await;
    }
    // The next stretch goes over what the unit has settled.
    let mut far = fill(&store, "s", N_STREAMS, 50).await;
    far.extend(put(&store, [("elsewhere".to_owned(), event())]).await);
    far.extend(fill(&store, "s", 10, 2).await);
    places.extend(far);
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
    store
        .commit_unit(unit(&own, ExpectedSeq::Any))
        .await
        .unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn what_units_have_settled_is_not_given<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut places = fill(&store, "s", 30, 20).await;
    for nth in 0..40 {
        let settled = unit(&format!("u-{}", nth % 20), ExpectedSeq::Any);
        store.commit_unit(settled).await.unwrap();
    }
    places.extend(fill(&store, "u", 20, 2).await);
    places.extend(far_behind(&store).await);
    let mut handled = Handled::default();
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
    assert!(handled.deliveries.iter().all(|next| !next.replaying));
    assert_eq!(handled.n_stretches > 0, harness.gives_stretches());
}

pub async fn two_groups_are_given_theirs<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let names = ["g", "h", "lanes"];
    for name in names {
        register(&store, name, &[HAPPENED]).await;
    }
    let mut worker = Worker::new(&names).lanes(3);
    worker.request.stretches = vec![group("g"), group("h")];
    let places = far_behind(&store).await;
    if harness.gives_stretches() {
        let (mut claims, mut with_stretch) = (Vec::new(), BTreeSet::new());
        while with_stretch.len() < 2 {
            let next = worker.try_claim(&store).await;
            let stretches = next.iter().filter(|claim| claim.key.stream.is_log());
            with_stretch.extend(stretches.map(|claim| claim.key.group.clone()));
            claims.extend(next);
            hint(&store).await;
        }
        assert_eq!(with_stretch, BTreeSet::from([group("g"), group("h")]));
        for claim in &claims {
            store.release(&claim.key).await.unwrap();
        }
    }
    for name in names {
        let mut worker = worker.clone().lanes(100);
        worker.request.groups = vec![group(name)];
        let mut handled = Handled::default();
        handled.all(&store, &worker).await;
        handled.are_each_once(&places);
    }
}

/// A unit is not let through.
async fn is_busy(store: &impl Backend, name: &str) {
    let before = read(store, name).await.len();
    let refused = store.commit_unit(unit(name, ExpectedSeq::Any)).await;
    let is_busy =
        matches!(&refused, Err(UnitError::Busy { stream: it, .. }) if *it == stream(name));
    assert!(is_busy, "{refused:?}");
    assert_eq!(read(store, name).await.len(), before);
}
