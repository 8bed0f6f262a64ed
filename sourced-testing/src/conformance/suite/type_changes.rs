//! *never-skipped*, whichever types a group handled before: what it takes up late is owed, and what it gave up is not
//! delivered twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use sourced::ExpectedSeq;
use sourced::backend::{Backend, Lane, UnitCommit, UnitError, Units as _, Verdict};

use super::super::Harness;
use super::super::fixtures::*;

const BOTH: [&str; 2] = [HAPPENED, OTHER];
const HAPPENED_ONLY: [&str; 1] = [HAPPENED];

pub async fn what_lies_below_the_acknowledged_position_is_delivered<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let messages = vec![other(), event(), other(), event()];
    let worker = everything_acked(&store, &messages).await;
    register(&store, "g", &BOTH).await;
    let later = vec![other(), event()];
    append(&store, "a", later.clone()).await;
    let claim = worker.claim(&store).await;
    let ids = ids_of(&messages);
    let expected = [ids[0], ids[2], later[0].id, later[1].id];
    assert_eq!(delivered(&claim), expected, "owed ones first, by seq");
    assert!(claim.deliveries.iter().all(|next| !next.replaying));
    store.ack(ack_all(&claim)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn a_part_of_what_is_owed_can_be_acknowledged<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let messages = vec![other(), event(), other(), event()];
    let worker = everything_acked(&store, &messages).await;
    let acked = acked(&store).await;
    register(&store, "g", &BOTH).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    assert_eq!(self::acked(&store).await, acked, "it never moves back");
    assert_eq!(store.pending_lanes(&[group("g")]).await.unwrap(), 1);
    let claim = worker.clone().messages_per_lane(1).claim(&store).await;
    assert_eq!(delivered(&claim), [messages[2].id]);
    store.ack(ack_all(&claim)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn what_is_owed_can_fail_be_released_and_taken_over<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let messages = vec![other(), event()];
    let worker = everything_acked(&store, &messages).await;
    register(&store, "g", &BOTH).await;
    let claim = worker.claim(&store).await;
    store.release(&claim.key).await.unwrap();
    let claim = worker.claim(&store).await;
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let _lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [messages[0].id]);
    assert_eq!(claim.attempts, 1);
    store.ack(ack_all(&claim)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn alternating_types_deliver_everything_once<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::new(&["g"]);
    let mut written = BTreeSet::new();
    let mut seen = Vec::new();
    for round in 0..6 {
        let types = if round % 2 == 0 {
            &BOTH[..]
        } else {
            &HAPPENED_ONLY[..]
        };
        register(&store, "g", types).await;
        for name in ["a", "b"] {
            let messages = vec![event(), other(), event()];
            written.extend(ids_of(&messages));
            append(&store, name, messages).await;
        }
        // The lanes are left half done when the types change.
        let most = worker.clone().messages_per_lane(2);
        for claim in most.claim_lanes(&store, 2).await {
            assert!(claim.deliveries.iter().all(|next| !next.replaying));
            seen.extend(delivered(&claim));
            store.ack(ack_all(&claim)).await.unwrap();
        }
    }
    register(&store, "g", &BOTH).await;
    seen.extend(drain(&store, &worker).await);
    assert_eq!(seen.len(), written.len(), "each message once");
    assert_eq!(BTreeSet::from_iter(seen), written);
}

pub async fn what_was_pending_when_a_type_was_given_up_is_owed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &BOTH).await;
    let worker = Worker::new(&["g"]);
    let messages = vec![event(), other(), event()];
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    register(&store, "g", &HAPPENED_ONLY).await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [messages[2].id]);
    store.ack(ack_all(&claim)).await.unwrap();
    is_quiet(&store, &worker).await;
    register(&store, "g", &BOTH).await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [messages[1].id]);
    assert!(!claim.deliveries[0].replaying);
}

pub async fn a_change_during_a_claim_fences_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &HAPPENED_ONLY).await;
    let worker = Worker::new(&["g"]);
    let messages = vec![other(), event(), other(), event()];
    append(&store, "a", messages.clone()).await;
    for types in [&BOTH[..], &HAPPENED_ONLY, &BOTH] {
        let claim = worker.claim(&store).await;
        register(&store, "g", types).await;
        let error = store.ack(ack_all(&claim)).await.unwrap_err();
        assert!(error.is_fenced(), "{error:?}");
    }
    assert_eq!(delivered(&worker.claim(&store).await), ids_of(&messages));
}

pub async fn what_is_owed_keeps_a_unit_busy<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = everything_acked(&store, &[other(), event()]).await;
    let unit = || UnitCommit {
        appends: vec![to("a", ExpectedSeq::Any, [event()])],
        settled: vec![Lane {
            group: group("g"),
            stream: stream("a"),
        }],
        ..UnitCommit::default()
    };
    store.commit_unit(unit()).await.unwrap();
    register(&store, "g", &BOTH).await;
    let error = store.commit_unit(unit()).await.unwrap_err();
    assert!(matches!(error, UnitError::Busy { .. }), "{error:?}");
    drain(&store, &worker).await;
    store.commit_unit(unit()).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn a_type_that_was_given_up_is_not_settled_by_a_unit<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::new(&["g"]);
    register(&store, "g", &BOTH).await;
    let sent = other();
    let unit = || UnitCommit {
        appends: vec![to("a", ExpectedSeq::Any, [sent.clone()])],
        settled: vec![Lane {
            group: group("g"),
            stream: stream("a"),
        }],
        handled: vec![(group("g"), sent.type_name.clone())],
        ..UnitCommit::default()
    };
    // Another version of the program has registered the group; this one still knows the type.
    register(&store, "g", &HAPPENED_ONLY).await;
    let error = store.commit_unit(unit()).await.unwrap_err();
    assert!(matches!(error, UnitError::Busy { .. }), "{error:?}");
    append(&store, "a", [sent.clone()]).await;
    register(&store, "g", &BOTH).await;
    assert_eq!(drain(&store, &worker).await, [sent.id], "once");
}

pub async fn what_a_unit_has_settled_is_not_owed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::new(&["g"]);
    register(&store, "g", &BOTH).await;
    // Nobody has sorted it into a lane yet when its type is given up.
    let unit = UnitCommit {
        appends: vec![to("a", ExpectedSeq::Any, [other(), event()])],
        settled: vec![Lane {
            group: group("g"),
            stream: stream("a"),
        }],
        ..UnitCommit::default()
    };
    store.commit_unit(unit).await.unwrap();
    register(&store, "g", &HAPPENED_ONLY).await;
    let missed = append(&store, "a", [other()]).await;
    register(&store, "g", &BOTH).await;
    assert_eq!(drain(&store, &worker).await, [missed[0].id]);
}

pub async fn a_group_owes_nothing_from_before_its_start<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [other(), event()]).await;
    let start = sourced::backend::StartFrom::Now;
    register_from(&store, "g", &HAPPENED_ONLY, start).await;
    let worker = Worker::new(&["g"]);
    append(&store, "a", [event()]).await;
    assert_eq!(drain(&store, &worker).await.len(), 1);
    register(&store, "g", &BOTH).await;
    is_quiet(&store, &worker).await;
}

pub async fn many_changes_under_load_skip_and_double_nothing<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    register(&store, "g", &HAPPENED_ONLY).await;
    let writers = (0..3).map(|writer| {
        let opened = harness.another(&store, &guard);
        (writer, opened)
    });
    let mut tasks = Vec::new();
    for (writer, opened) in writers {
        let store = opened.await;
        tasks.push(spawn(async move {
            let mut written = Vec::new();
            for n in 0..25 {
                let messages = vec![event(), other()];
                written.extend(ids_of(&messages));
                append(&store, format!("s-{}", (writer + n) % 4), messages).await;
            }
            written
        }));
    }
    let store = Arc::new(store);
    let changes = {
        let store = Arc::clone(&store);
        spawn(async move {
            for n in 0..12 {
                let types = if n % 2 == 0 {
                    &BOTH[..]
                } else {
                    &HAPPENED_ONLY[..]
                };
                register(&*store, "g", types).await;
                hint(&*store).await;
            }
        })
    };
    let workers = (0..3).map(|_| {
        let store = Arc::clone(&store);
        spawn(async move {
            let worker = Worker::new(&["g"]).messages_per_lane(3);
            let mut seen = Vec::new();
            for _ in 0..60 {
                for claim in worker.try_claim(&*store).await {
                    assert!(claim.deliveries.iter().all(|next| !next.replaying));
                    if store.ack(ack_all(&claim)).await.is_ok() {
                        seen.extend(delivered(&claim));
                    }
                }
                hint(&*store).await;
            }
            seen
        })
    });
    let workers = workers.collect();
    let written = join(tasks).await.concat();
    changes.await.expect("the changes panicked");
    let mut seen = join(workers).await.concat();
    register(&*store, "g", &BOTH).await;
    seen.extend(drain(&*store, &Worker::new(&["g"])).await);
    assert_eq!(seen.len(), written.len(), "each message once");
    assert_eq!(BTreeSet::from_iter(seen), BTreeSet::from_iter(written));
}

/// Group `g`, which does not handle [`OTHER`], has acknowledged its share of stream `a`.
async fn everything_acked(store: &impl Backend, messages: &[sourced::NewMessage]) -> Worker {
    register(store, "g", &HAPPENED_ONLY).await;
    let worker = Worker::new(&["g"]);
    append(store, "a", messages).await;
    drain(store, &worker).await;
    worker
}

async fn acked(store: &impl Backend) -> sourced::Position {
    let lane = store.lane(&group("g"), &stream("a")).await.unwrap();
    lane.unwrap().acked
}
