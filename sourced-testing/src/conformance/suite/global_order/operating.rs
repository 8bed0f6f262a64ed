//! Global order: failures, units, removals, and how far a group is told to be.

use sourced::backend::{
    Lane, ResetFrom, TruncateError, Truncation, UnitCommit, UnitError, Units as _, Upkeep as _,
    Verdict,
};
use sourced::{ExpectedSeq, StreamId};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::{mixed, reset, worker_of_log};

pub async fn quarantine_holds_up_all_of_it<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let ids = mixed(&store).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let delay = Verdict::RetryAfter(LEASE);
    let claim = worker.claim(&store).await;
    store.fail(&claim.key, delay, "not yet").await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let claim = worker.claim(&store).await;
    assert_eq!((claim.attempts, delivered(&claim)[0]), (1, ids[1]));
    store
        .fail(&claim.key, Verdict::Park, "never")
        .await
        .unwrap();
    let good = append(&store, "good", [event()]).await[0].id;
    assert_eq!(worker.try_claim(&store).await, []);
    assert_eq!(store.pending_lanes(&[group("g")]).await.unwrap(), 0);

    let parked = store.parked(&group("g"), None, 10).await.unwrap();
    let [parked] = &parked[..] else {
        panic!("{parked:?}")
    };
    assert_eq!((&parked.stream, parked.attempts), (&StreamId::log(), 2));
    let failure = &parked.failure;
    let message = &claim.deliveries[0].message;
    assert_eq!(
        (failure.message, failure.position),
        (message.id, message.position)
    );
    assert_eq!((&failure.stream, failure.seq), (&stream("a"), message.seq));
    assert_eq!(
        (&failure.error[..], &failure.type_name),
        ("never", &message.type_name)
    );
    let after = Some(&parked.stream);
    assert_eq!(store.parked(&group("g"), after, 10).await.unwrap(), []);
    let lane = store.lane(&group("g"), &parked.stream).await.unwrap();
    assert_eq!(lane.unwrap().failure.as_ref(), Some(failure));

    let log = &parked.stream;
    store
        .retry_parked(&group("g"), log, "once more")
        .await
        .unwrap();
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim)[0], ids[1]);
    store
        .fail(&claim.key, Verdict::Park, "never")
        .await
        .unwrap();
    let wrong = claim.deliveries[1].message.position;
    assert!(store.skip(&group("g"), log, wrong, "no").await.is_err());
    let g = group("g");
    store
        .skip(&g, log, message.position, "it is broken")
        .await
        .unwrap();
    let record = store.skip_of(&group("g"), message.position).await.unwrap();
    assert_eq!(record.unwrap().stream, stream("a"));
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [&ids[2..], &[good]].concat());
    store
        .fail(&claim.key, Verdict::Skip, "skip it")
        .await
        .unwrap();
    assert_eq!(delivered(&worker.claim(&store).await)[0], ids[3]);
}

pub async fn a_failure_can_stop_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let ids = mixed(&store).await;
    let claim = worker.claim(&store).await;
    let stop = Verdict::StopGroup;
    store.fail(&claim.key, stop, "enough").await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    assert!(!store.group_state(&group("g")).await.unwrap().is_active());
    store.start_group(&group("g")).await.unwrap();
    assert_eq!(delivered(&worker.claim(&store).await), ids);
}

pub async fn a_unit_does_not_settle_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let unit = UnitCommit {
        appends: vec![to("a", ExpectedSeq::Any, [event()])],
        settled: vec![Lane {
            group: group("g"),
            stream: stream("a"),
        }],
        ..UnitCommit::default()
    };
    let refused = store.commit_unit(unit.clone()).await;
    assert!(
        matches!(refused, Err(UnitError::Busy { .. })),
        "{refused:?}"
    );
    let settled = Vec::new();
    let unit = UnitCommit { settled, ..unit };
    store.commit_unit(unit).await.unwrap();
    assert_eq!(drain(&store, &worker).await.len(), 1);
}

pub async fn never_skipped_by_a_removal<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    append(&store, "a", events(2)).await;
    append(&store, "b", [event()]).await;
    append(&store, "a", [event()]).await;
    let remove = async |upto| {
        let truncation = Truncation {
            stream: stream("a"),
            upto: seq(upto),
            bases: Vec::new(),
        };
        store.truncate_stream(&truncation).await
    };
    let first = |waiting: Result<u64, TruncateError>| match waiting {
        Err(TruncateError::Waiting { seq, .. }) => seq.get(),
        result => panic!("{result:?}"),
    };
    assert_eq!(first(remove(1).await), 1);
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    assert_eq!(first(remove(2).await), 2);
    assert_eq!(remove(1).await.unwrap(), 1);
    drain(&store, &worker).await;
    assert_eq!(remove(3).await.unwrap(), 2);
    reset(&store, ResetFrom::Beginning).await.unwrap();
    let claim = worker.claim(&store).await;
    assert_eq!(claim.deliveries.len(), 1, "what is left");
    assert_eq!(claim.deliveries[0].message.stream_id, stream("b"));
}

pub async fn it_is_listed_with_how_far_it_is<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let ids = mixed(&store).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 3)).await.unwrap();
    let status = store.groups().await.unwrap().remove(0);
    assert_eq!((status.pending, status.parked, status.lag()), (1, 0, 2));
    assert_eq!(status.handled_upto(), claim.deliveries[2].message.position);
    assert_eq!(drain(&store, &worker).await, ids[3..]);
    let status = store.groups().await.unwrap().remove(0);
    assert_eq!((status.pending, status.lag()), (0, 0));
    assert_eq!(status.handled_upto(), store.log_end().await.unwrap());
}
