//! *replay-is-marked*: a reset delivers again what was acknowledged, and neither loses nor doubles anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sourced::backend::{Backend, BackendError, ResetFrom, ResetScope, StartFrom, Verdict};
use sourced::{Position, StreamId};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn what_was_acknowledged_comes_again_as_a_replay<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(3)).await;
    append(&store, "b", events(2)).await;
    drain(&store, &worker).await;
    is_quiet(&store, &worker).await;
    reset_all(&store, ResetFrom::Beginning).await;
    append(&store, "a", [event()]).await;
    assert!(store.pending_lanes(&[group("g")]).await.unwrap() > 0);
    let found = marks(&store, &worker).await;
    assert_eq!(found["a"], [true, true, true, false]);
    assert_eq!(found["b"], [true, true]);
    is_quiet(&store, &worker).await;
}

pub async fn what_was_not_acknowledged_is_no_replay<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(3)).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    for _ in 0..2 {
        reset_all(&store, ResetFrom::Beginning).await;
        let claim = worker.claim(&store).await;
        let marks: Vec<bool> = claim.deliveries.iter().map(|next| next.replaying).collect();
        assert_eq!(marks, [true, false, false]);
    }
}

pub async fn a_claim_that_runs_is_fenced<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    append(&store, "b", [event()]).await;
    let claim = worker.claim_lanes(&store, 2).await.remove(0);
    reset_all(&store, ResetFrom::Beginning).await;
    let error = store.ack(ack_all(&claim)).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    let claims = worker.colleague().claim_lanes(&store, 2).await;
    reset_stream(&store, "a", ResetFrom::Beginning).await;
    for claim in &claims {
        let is_fenced = store.ack(ack_all(claim)).await.is_err();
        assert_eq!(is_fenced, claim.key.stream == stream("a"));
    }
    assert_eq!(marks(&store, &worker).await["a"], [false, false]);
}

pub async fn one_stream_can_be_reset_alone<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    append(&store, "b", events(2)).await;
    drain(&store, &worker).await;
    reset_stream(&store, "b", ResetFrom::Beginning).await;
    reset_stream(&store, "unknown", ResetFrom::Beginning).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.key.stream, stream("b"));
    assert!(claim.deliveries.iter().all(|next| next.replaying));
    assert_eq!(claim.deliveries.len(), 2);
}

pub async fn it_can_begin_at_a_position_or_a_time<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let mut all = vec![event(), event(), event()];
    for (message, time) in all.iter_mut().zip([10, 20, 30]) {
        message.created_at = sourced::Timestamp::from_micros(time);
    }
    let places = append(&store, "a", all.clone()).await;
    append(&store, "b", [event()]).await;
    drain(&store, &worker).await;
    let since = |time| ResetFrom::Since(sourced::Timestamp::from_micros(time));
    for (from, n) in [
        (ResetFrom::After(places[0].position), 2),
        (ResetFrom::After(places[1].position), 1),
        (since(20), 2),
        (since(21), 1),
    ] {
        reset_all(&store, from).await;
        let found = marks(&store, &worker).await;
        assert_eq!(found["a"], vec![true; n], "{from:?}");
        assert_eq!(found["b"], [true]);
        reset_stream(&store, "a", from).await;
        assert_eq!(marks(&store, &worker).await["a"], vec![true; n], "{from:?}");
    }
    reset_all(
        &store,
        ResetFrom::Since(sourced::Timestamp::from_micros(i64::MAX / 2)),
    )
    .await;
    reset_all(&store, ResetFrom::After(Position::new(1 << 40))).await;
    is_quiet(&store, &worker).await;
    reset_stream(&store, "a", ResetFrom::Beginning).await;
    assert_eq!(marks(&store, &worker).await["a"], [true, true, true]);
}

pub async fn what_was_pending_before_the_place_is_kept<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(3)).await;
    append(&store, "idle", events(1)).await;
    let claims = worker.claim_lanes(&store, 2).await;
    store.ack(ack_upto(&claims[0], 1)).await.unwrap();
    store.ack(ack_all(&claims[1])).await.unwrap();
    let end = store.log_end().await.unwrap();
    reset_all(&store, ResetFrom::After(end)).await;
    let found = marks(&store, &worker).await;
    assert_eq!(
        found,
        BTreeMap::from([("a".to_owned(), vec![false, false])])
    );
    append(&store, "idle", events(1)).await;
    assert_eq!(marks(&store, &worker).await["idle"], [false]);
}

pub async fn a_group_never_gets_what_lies_before_its_start<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    register_from(&store, "g", &[HAPPENED], StartFrom::Now).await;
    let worker = Worker::new(&["g"]);
    append(&store, "a", events(1)).await;
    drain(&store, &worker).await;
    reset_all(&store, ResetFrom::Beginning).await;
    assert_eq!(marks(&store, &worker).await["a"], [true]);
    reset_stream(&store, "a", ResetFrom::Beginning).await;
    assert_eq!(marks(&store, &worker).await["a"], [true]);
}

pub async fn what_is_parked_or_delayed_is_set_free<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    for (name, verdict) in [("a", Verdict::Park), ("b", Verdict::RetryAfter(LEASE))] {
        append(&store, name, events(2)).await;
        let claim = worker.claim(&store).await;
        store.ack(ack_upto(&claim, 1)).await.unwrap();
        let claim = worker.claim(&store).await;
        store.fail(&claim.key, verdict, "no").await.unwrap();
    }
    assert_eq!(worker.try_claim(&store).await, []);
    reset_stream(&store, "b", ResetFrom::Beginning).await;
    assert_eq!(worker.claim(&store).await.key.stream, stream("b"));
    reset_all(&store, ResetFrom::Beginning).await;
    for claim in worker.claim_lanes(&store, 2).await {
        assert_eq!(claim.attempts, 0);
        let marks: Vec<bool> = claim.deliveries.iter().map(|next| next.replaying).collect();
        assert_eq!(marks, [true, false]);
    }
}

pub async fn what_is_owed_stays_no_replay<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[HAPPENED]).await;
    let worker = Worker::new(&["g"]);
    append(&store, "a", [other(), event()]).await;
    drain(&store, &worker).await;
    reset_all(&store, ResetFrom::Beginning).await;
    register(&store, "g", &[HAPPENED, OTHER]).await;
    reset_all(&store, ResetFrom::Beginning).await;
    assert_eq!(marks(&store, &worker).await["a"], [false, true]);
    reset_all(&store, ResetFrom::Beginning).await;
    assert_eq!(marks(&store, &worker).await["a"], [true, true]);
}

pub async fn it_is_an_error_for_an_unknown_group<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let nobody = group("nobody");
    for scope in [ResetScope::All, ResetScope::Stream(stream("a"))] {
        let reset = store.reset_group(&nobody, &scope, ResetFrom::Beginning);
        let error = reset.await.unwrap_err();
        assert!(matches!(error, BackendError::UnknownGroup(_)), "{error:?}");
    }
}

pub async fn many_resets_under_load_lose_and_double_nothing<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    Worker::of(&store, "g").await;
    let mut writers = Vec::new();
    for writer in 0..3 {
        let store = harness.another(&store, &guard).await;
        writers.push(spawn(async move {
            let mut written = Vec::new();
            for n in 0..25 {
                let messages = events(2);
                written.extend(ids_of(&messages));
                append(&store, format!("s-{}", (writer + n) % 4), messages).await;
            }
            written
        }));
    }
    let store = Arc::new(store);
    let resets = {
        let store = Arc::clone(&store);
        spawn(async move {
            for n in 0..10 {
                match n % 3 {
                    0 => reset_all(&*store, ResetFrom::Beginning).await,
                    1 => reset_stream(&*store, "s-1", ResetFrom::Beginning).await,
                    _ => reset_all(&*store, ResetFrom::After(Position::new(20))).await,
                }
                hint(&*store).await;
            }
        })
    };
    let workers = (0..3).map(|_| {
        let store = Arc::clone(&store);
        spawn(async move {
            let worker = Worker::new(&["g"]).messages_per_lane(5);
            let mut live = Vec::new();
            for _ in 0..60 {
                for claim in worker.try_claim(&*store).await {
                    if store.ack(ack_all(&claim)).await.is_ok() {
                        live.extend(first_deliveries(&claim));
                    }
                }
                hint(&*store).await;
            }
            live
        })
    });
    let workers = workers.collect();
    let written = join(writers).await.concat();
    resets.await.expect("the resets panicked");
    let mut live = join(workers).await.concat();
    let last = Worker::new(&["g"]);
    loop {
        for claim in last.try_claim(&*store).await {
            live.extend(first_deliveries(&claim));
            store.ack(ack_all(&claim)).await.unwrap();
        }
        if store.pending_lanes(&[group("g")]).await.unwrap() == 0 {
            break;
        }
    }
    assert_eq!(live.len(), written.len(), "each message once");
    assert_eq!(BTreeSet::from_iter(live), BTreeSet::from_iter(written));
}

fn first_deliveries(claim: &sourced::backend::Claim) -> Vec<sourced::MessageId> {
    let live = claim.deliveries.iter().filter(|next| !next.replaying);
    live.map(|next| next.message.id).collect()
}

async fn reset_all(store: &impl Backend, from: ResetFrom) {
    reset(store, &ResetScope::All, from).await;
}

async fn reset_stream(store: &impl Backend, name: &str, from: ResetFrom) {
    let scope = ResetScope::Stream(StreamId::new(name).unwrap());
    reset(store, &scope, from).await;
}

async fn reset(store: &impl Backend, scope: &ResetScope, from: ResetFrom) {
    let group = group("g");
    store.reset_group(&group, scope, from).await.unwrap();
}

/// Handles everything there is, and gives for each stream which messages came as replays.
async fn marks(store: &impl Backend, worker: &Worker) -> BTreeMap<String, Vec<bool>> {
    let mut marks: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    while store.pending_lanes(&worker.request.groups).await.unwrap() > 0 {
        for claim in worker.try_claim(store).await {
            let of_stream = marks.entry(claim.key.stream.to_string()).or_default();
            of_stream.extend(claim.deliveries.iter().map(|next| next.replaying));
            store.ack(ack_all(&claim)).await.unwrap();
        }
    }
    marks
}

pub async fn the_group_is_listed_as_replaying_until_it_is_through<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let stored = append(&store, "s", events(2)).await;
    let name = group("g");
    let status = async || store.groups().await.unwrap().pop().unwrap();
    let claim = worker.claim(&store).await;
    assert!(
        !status().await.is_replaying,
        "it handles them for the first time"
    );
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(status().await.handled_upto(), stored[1].position);

    let all = ResetScope::All;
    store
        .reset_group(&name, &all, ResetFrom::Beginning)
        .await
        .unwrap();
    append(&store, "s", [event()]).await;
    let claim = worker.claim(&store).await;
    assert!(status().await.is_replaying);
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    assert!(status().await.is_replaying, "one of two came again");
    assert_eq!(status().await.handled_upto(), stored[0].position);
    let rest = worker.claim(&store).await;
    store.ack(ack_upto(&rest, 1)).await.unwrap();
    let new = worker.claim(&store).await;
    assert!(!status().await.is_replaying, "what is left is new");
    store.ack(ack_all(&new)).await.unwrap();
    assert_eq!(
        (status().await.is_replaying, status().await.lag()),
        (false, 0)
    );
}
