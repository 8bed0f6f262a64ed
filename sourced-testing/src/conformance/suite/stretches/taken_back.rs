//! Stretches: whatever takes one back, and everything that must come comes all the same, marked as it should be.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sourced::backend::{Backend, Claim, ResetFrom, ResetScope, Verdict};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::{Handled, N_STREAMS, Place, far_behind, fill, fits, is_lost, put, stretch};

pub async fn fenced_by_a_reset_of_all<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut places = fill(&store, "s", 5, 2).await;
    drain(&store, &worker).await;
    places.extend(far_behind(&store).await);
    let held = stretch(harness, &store, &worker).await;
    reset(&store, ResetScope::All).await;
    if let Some(claim) = held {
        is_lost(&store, &claim).await;
    }
    comes_with_marks(&store, &worker, &places, |stream| {
        if ["s-0", "s-1", "s-2", "s-3", "s-4"].contains(&stream) {
            2
        } else {
            0
        }
    })
    .await;
}

pub async fn fenced_by_a_reset_of_one_of_its_streams<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let old = fill(&store, "s", 5, 2).await;
    drain(&store, &worker).await;
    let new = far_behind(&store).await;
    let held = stretch(harness, &store, &worker).await;
    reset(&store, ResetScope::Stream(stream("s-3"))).await;
    if let Some(claim) = held {
        is_lost(&store, &claim).await;
    }
    let again = old.iter().filter(|place| place.stream == "s-3").cloned();
    let places: Vec<Place> = again.chain(new).collect();
    comes_with_marks(&store, &worker, &places, |stream| {
        if stream == "s-3" { 2 } else { 0 }
    })
    .await;
}

pub async fn fenced_by_a_change_of_types<H: Harness>(harness: &H) {
    const BOTH: [&str; 2] = [HAPPENED, OTHER];
    for [before, after] in [[&[HAPPENED][..], &BOTH], [&BOTH, &[HAPPENED]]] {
        let (store, _guard) = harness.fresh().await;
        register(&store, "g", before).await;
        let worker = Worker::new(&["g"]).with_stretches();
        let streams = (0..30).map(|nth| (format!("s-{nth}"), other()));
        let others = put(&store, streams).await;
        let places = far_behind(&store).await;
        let held = stretch(harness, &store, &worker).await;
        register(&store, "g", after).await;
        if let Some(claim) = held {
            is_lost(&store, &claim).await;
        }
        let mut handled = Handled::default();
        handled.all(&store, &worker).await;
        if after == [HAPPENED] {
            handled.are_each_once(&places);
            register(&store, "g", &BOTH).await;
            handled.all(&store, &worker).await;
            handled.are(&[others, places].concat());
        } else {
            handled.are_each_once(&[others, places].concat());
        }
        assert!(handled.deliveries.iter().all(|next| !next.replaying));
    }
}

pub async fn never_skipped_a_type_that_it_passed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[HAPPENED]).await;
    let worker = Worker::new(&["g"]).with_stretches();
    let streams = |from| (from..from + 30).map(|nth| (format!("s-{nth}"), other()));
    let mut places = put(&store, streams(0)).await;
    places.extend(far_behind(&store).await);
    places.extend(put(&store, streams(10)).await);
    let mut handled = Handled::default();
    handled.all(&store, &worker).await;
    assert_eq!(handled.n_stretches > 0, harness.gives_stretches());
    assert_eq!(handled.deliveries.len(), places.len() - 60);
    register(&store, "g", &[HAPPENED, OTHER]).await;
    places.extend(far_behind(&store).await);
    handled.all(&store, &worker).await;
    handled.are(&places);
    assert!(handled.deliveries.iter().all(|next| !next.replaying));
}

pub async fn fenced_by_a_removal<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = far_behind(&store).await;
    let held = stretch(harness, &store, &worker).await;
    store.remove_group(&group("g")).await.unwrap();
    if let Some(claim) = &held {
        is_lost(&store, claim).await;
    }
    Worker::of(&store, "g").await;
    if let Some(claim) = &held {
        is_lost(&store, claim).await;
    }
    comes_with_marks(&store, &worker, &places, |_| 0).await;
}

pub async fn replay_is_marked_by_what_each_stream_has_acknowledged<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let mut places = far_behind(&store).await;
    if let Some(claim) = stretch(harness, &store, &worker).await {
        // 18 or 19 of each stream.
        store.ack(ack_upto(&claim, 408)).await.unwrap();
    }
    // One stream is parked, and the rest of the others handled.
    let n_acked = usize::from(harness.gives_stretches()) * 19;
    while store.pending_lanes(&[group("g")]).await.unwrap() > 0 {
        for claim in worker.try_claim(&store).await {
            if claim.key.stream == stream("s-7") {
                let verdict = Verdict::Park;
                store.fail(&claim.key, verdict, "no").await.unwrap();
            } else {
                store.ack(ack_all(&claim)).await.unwrap();
            }
        }
    }
    places.extend(fill(&store, "s", 30, 40).await);
    let is_old = |name: &str| match name {
        "s-7" => n_acked,
        name if places[..N_STREAMS].iter().any(|it| it.stream == name) => 50,
        _ => 0,
    };
    for _ in 0..2 {
        reset(&store, ResetScope::All).await;
        if let Some(claim) = stretch_of_a_replay(harness, &store, &worker).await {
            assert!(store.groups().await.unwrap()[0].is_replaying);
            for next in &claim.deliveries[..100] {
                let n_before = u64::try_from(is_old(next.message.stream_id.as_str())).unwrap();
                assert_eq!(next.replaying, next.message.seq.get() <= n_before);
            }
            store.release(&claim.key).await.unwrap();
        }
    }
    comes_with_marks(&store, &worker, &places, is_old).await;
    assert!(!store.groups().await.unwrap()[0].is_replaying);
    // And once more, from the middle.
    let middle = ResetFrom::After(places[599].position);
    let (g, all) = (group("g"), ResetScope::All);
    store.reset_group(&g, &all, middle).await.unwrap();
    let mut handled = Handled::default();
    handled.all(&store, &worker).await;
    handled.are_each_once(&places[600..]);
    assert!(handled.deliveries.iter().all(|next| next.replaying));
}

/// A backend may let a group catch up in lanes after a reset.
async fn stretch_of_a_replay<H: Harness>(
    harness: &H,
    store: &H::Backend,
    worker: &Worker,
) -> Option<Claim> {
    if !harness.gives_stretches() {
        return None;
    }
    let claims = worker.try_claim(store).await;
    let (mut stretches, lanes): (Vec<_>, Vec<_>) = claims
        .into_iter()
        .partition(|claim| claim.key.stream.is_log());
    for claim in lanes {
        store.release(&claim.key).await.unwrap();
    }
    stretches.pop()
}

pub async fn fenced_when_somebody_takes_lanes_instead<H: Harness>(harness: &H) {
    for is_late in [false, true] {
        let (store, _guard) = harness.fresh().await;
        let worker = Worker::of(&store, "g").await.with_stretches();
        // An older program, perhaps, that knows nothing of stretches.
        let mut older = worker.colleague();
        older.request.stretches.clear();
        let places = far_behind(&store).await;
        let mut handled = Handled::default();
        let Some(held) = stretch(harness, &store, &worker).await else {
            return;
        };
        let claims = older.try_claim(&store).await;
        if claims.is_empty() {
            handled.ack(&store, &held, held.deliveries.len()).await;
        } else if !is_late {
            is_lost(&store, &held).await;
        }
        for claim in &claims {
            handled.ack(&store, claim, claim.deliveries.len()).await;
        }
        if !claims.is_empty() {
            is_lost(&store, &held).await;
        }
        handled.all(&store, &worker).await;
        handled.are_each_once(&places);
        assert!(handled.deliveries.iter().all(|next| !next.replaying));
    }
}

pub async fn many_workers_handle_everything_once_and_in_order<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let asks = Worker::of(&store, "g").await.with_stretches();
    let mut places = fill(&store, "s", 330, 10).await;
    let store = Arc::new(store);
    let handled: Arc<Mutex<Vec<(usize, Claim)>>> = Arc::default();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut workers = Vec::new();
    for nth in 0..4 {
        let other = harness.another(&store, &guard).await;
        let mut worker = asks.colleague().lanes(20);
        if nth == 3 {
            worker.request.stretches.clear();
        }
        let (handled, is_over) = (Arc::clone(&handled), Arc::clone(&is_over));
        workers.push(spawn(async move {
            let mut number = nth;
            loop {
                let claims = match nth {
                    // The older program comes now and then.
                    3 if number % 8 != 7 => Vec::new(),
                    _ => worker.try_claim(&other).await,
                };
                let is_idle = claims.is_empty();
                for claim in claims {
                    fits(&claim);
                    number += 4;
                    if number % 5 == 0 {
                        // It may be lost by now.
                        _ = other.release(&claim.key).await;
                        continue;
                    }
                    let ack = ack_all(&claim);
                    // While it is held: what comes after it is handled after it.
                    locked(&handled).push((number, claim));
                    match other.ack(ack).await {
                        Ok(_) => {}
                        Err(error) if error.is_fenced() => {
                            locked(&handled).retain(|(other, _)| *other != number);
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
                if is_idle {
                    number += 4;
                    let pending = other.pending_lanes(&[group("g")]).await.unwrap();
                    if pending == 0 && is_over.load(Ordering::Acquire) {
                        return;
                    }
                    hint(&other).await;
                }
            }
        }));
    }
    for nth in 0..8 {
        places.extend(fill(&*store, "s", 100 + nth, 1).await);
    }
    is_over.store(true, Ordering::Release);
    join(workers).await;
    let mut found = Handled::default();
    for (_, claim) in locked(&handled).drain(..) {
        found.deliveries.extend(claim.deliveries);
    }
    found.are_each_once(&places);
    assert!(found.deliveries.iter().all(|next| !next.replaying));
    is_quiet(&*store, &asks).await;
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn reset(store: &impl Backend, scope: ResetScope) {
    let (g, beginning) = (group("g"), ResetFrom::Beginning);
    store.reset_group(&g, &scope, beginning).await.unwrap();
}

/// All of these come, once: as replays the first so many messages of each stream.
async fn comes_with_marks(
    store: &impl Backend,
    worker: &Worker,
    places: &[Place],
    n_replays: impl Fn(&str) -> usize,
) {
    let mut handled = Handled::default();
    handled.all(store, worker).await;
    handled.are_each_once(places);
    for (stream, marks) in handled.marks() {
        let n = n_replays(stream);
        assert!(
            marks.iter().enumerate().all(|(at, is)| *is == (at < n)),
            "{stream}: {marks:?}, and {n} are replays"
        );
    }
    is_quiet(store, worker).await;
}
