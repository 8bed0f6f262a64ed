//! Stretches: what becomes of them at their end, whichever it is.

use std::collections::BTreeMap;

use sourced::ExpectedSeq;
use sourced::backend::{AckError, GoOn, Remedy, STRETCH, Verdict};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::super::super::steps::{Step, doc, steps};
use super::{Handled, N_STREAMS, Place, far_behind, fits, is_lost, stretch};

pub async fn a_part_of_it_can_be_acknowledged<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = far_behind(&store).await;
    let mut handled = Handled::default();
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    // In the middle of what it has of each stream.
    handled.ack(&store, &claim, 408).await;
    is_lost(&store, &claim).await;
    for (nth, place) in places[..N_STREAMS].iter().enumerate() {
        let lane = store.lane(&group("g"), &stream_of(place)).await.unwrap();
        let n = 408 / N_STREAMS + usize::from(nth < 408 % N_STREAMS);
        let last = &places[(n - 1) * N_STREAMS + nth];
        assert_eq!(lane.unwrap().acked, last.position);
    }
    assert!(store.pending_lanes(&[group("g")]).await.unwrap() > 0);
    handled.all(&store, &worker).await;
    assert_eq!(handled.n_stretches, 1, "the rest comes in lanes");
    handled.are_each_once(&places);
    assert!(handled.deliveries.iter().all(|next| !next.replaying));
    // And then the next.
    let mut more = Handled::default();
    let places = far_behind(&store).await;
    more.all(&store, &worker).await;
    more.are_each_once(&places);
    assert!(more.n_stretches > 0);
}

pub async fn quarantine_and_retries_are_for_lanes<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let verdicts = [
        ("park", Verdict::Park),
        ("skip", Verdict::Skip),
        ("stop", Verdict::StopGroup),
        ("retry", Verdict::RetryAfter(LEASE)),
    ];
    let names = ["release", "postpone"].into_iter();
    let names = names.chain(verdicts.map(|(name, _)| name));
    let verdicts = BTreeMap::from(verdicts);
    let places = far_behind(&store).await;
    for name in names {
        let worker = Worker::of(&store, name).await.with_stretches();
        let Some(claim) = stretch(harness, &store, &worker).await else {
            return;
        };
        match name {
            "release" => store.release(&claim.key).await.unwrap(),
            "postpone" => store.postpone(&claim.key, LEASE).await.unwrap(),
            _ => store.fail(&claim.key, verdicts[name], "no").await.unwrap(),
        }
        is_lost(&store, &claim).await;
        let g = group(name);
        assert!(store.group_state(&g).await.unwrap().is_active(), "{name}");
        assert_eq!(store.parked(&g, None, 10).await.unwrap(), [], "{name}");
        for remedy in [Remedy::Skipped, Remedy::Retried] {
            let done = store.interventions(&g, remedy, None, 10).await.unwrap();
            assert!(done.is_empty(), "{name}: {done:?}");
        }
        let mut handled = Handled::default();
        let claims = worker.claim_lanes(&store, N_STREAMS).await;
        for claim in &claims {
            fits(claim);
            assert!(!claim.key.stream.is_log(), "{name}");
            assert_eq!((claim.attempts, claim.failing_for.as_micros()), (0, 0));
            let lane = store.lane(&g, &claim.key.stream).await.unwrap();
            assert_eq!(lane.unwrap().failure, None, "{name}");
            handled.ack(&store, claim, claim.deliveries.len()).await;
        }
        handled.all(&store, &worker).await;
        handled.are_each_once(&places);
        assert!(handled.deliveries.iter().all(|next| !next.replaying));
        is_quiet(&store, &worker).await;
    }
}

pub async fn quarantine_of_one_stream_leaves_the_others_alone<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = far_behind(&store).await;
    if let Some(claim) = stretch(harness, &store, &worker).await {
        let failed = store.fail(&claim.key, Verdict::Park, "one of them").await;
        failed.unwrap();
    }
    let mut handled = Handled::default();
    for claim in worker.claim_lanes(&store, N_STREAMS).await {
        if claim.key.stream == stream("s-7") {
            let failed = store.fail(&claim.key, Verdict::Park, "this one").await;
            failed.unwrap();
        } else {
            handled.ack(&store, &claim, claim.deliveries.len()).await;
        }
    }
    handled.all(&store, &worker).await;
    let is_bad = |place: &Place| place.stream == "s-7";
    let (bad, good): (Vec<_>, Vec<_>) = places.into_iter().partition(is_bad);
    handled.are_each_once(&good);
    let parked = store.parked(&group("g"), None, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!((&parked[0].stream, parked[0].attempts), (&stream("s-7"), 1));
    assert_eq!(parked[0].failure.position, bad[0].position);
    store
        .retry_parked(&group("g"), &stream("s-7"), "mended")
        .await
        .unwrap();
    let mut rest = Handled::default();
    rest.all(&store, &worker).await;
    rest.are_each_once(&bad);
    is_quiet(&store, &worker).await;
}

pub async fn lease_over_another_worker_handles_it<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let other = harness.another(&store, &guard).await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let colleague = worker.colleague();
    let places = far_behind(&store).await;
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(colleague.try_claim(&other).await, []);
    let keys = std::slice::from_ref(&claim.key);
    assert_eq!(other.renew(keys, LEASE).await.unwrap(), []);
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(colleague.try_claim(&other).await, []);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let mut handled = Handled::default();
    let claims = colleague.claim_lanes(&other, N_STREAMS).await;
    is_lost(&store, &claim).await;
    assert!(store.fail(&claim.key, Verdict::Park, "no").await.is_err());
    for claim in &claims {
        assert!(!claim.key.stream.is_log() && claim.attempts == 0);
        handled.ack(&store, claim, claim.deliveries.len()).await;
    }
    handled.all(&other, &colleague).await;
    handled.are_each_once(&places);
    assert!(handled.deliveries.iter().all(|next| !next.replaying));
    is_quiet(&store, &worker).await;
}

pub async fn another_process_can_end_it<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let other = harness.another(&store, &guard).await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = far_behind(&store).await;
    let mut handled = Handled::default();
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    let mut forged = claim.clone();
    forged.key.worker = worker.colleague().request.worker;
    is_lost(&other, &forged).await;
    handled.ack(&other, &claim, STRETCH).await;
    is_lost(&store, &claim).await;
    handled.all(&store, &worker).await;
    handled.are_each_once(&places);
}

pub async fn one_transaction_with_what_it_leads_to<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = far_behind(&store).await;
    let mut handled = Handled::default();
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    let mut ack = ack_all(&claim);
    ack.syncs.push(steps([Step::Put("k", 1)]));
    let result = event();
    ack.appends
        .push(to("s-3", ExpectedSeq::Any, [result.clone()]));
    let mut failing = ack.clone();
    failing.syncs.push(steps([Step::Fail("no paper")]));
    let failed = store.ack(failing).await;
    assert!(matches!(failed, Err(AckError::Sync(_))), "{failed:?}");
    let mut refused = ack.clone();
    refused.appends[0].expected = ExpectedSeq::NoStream;
    let failed = store.ack(refused).await;
    assert!(matches!(failed, Err(AckError::Append(_))), "{failed:?}");
    assert_eq!(doc(&store, "k").await, None);
    assert_eq!(worker.try_claim(&store).await, [], "it is still held");
    let appended = store.ack(ack).await.unwrap();
    assert_eq!(doc(&store, "k").await, Some(1));
    handled.deliveries.extend(claim.deliveries);
    handled.all(&store, &worker).await;
    let result = Place {
        position: appended[0].position,
        stream: "s-3".to_owned(),
        id: result.id,
    };
    handled.are_each_once(&[&places[..], &[result]].concat());
}

pub async fn it_is_no_stream_to_go_on_in<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await.with_stretches();
    let places = far_behind(&store).await;
    let Some(claim) = stretch(harness, &store, &worker).await else {
        return;
    };
    let mut ack = ack_all(&claim);
    let result = event();
    ack.appends
        .push(to("result", ExpectedSeq::Any, [result.clone()]));
    let next = GoOn {
        messages: 10,
        bytes: usize::MAX,
        lease: LEASE,
    };
    let acked = store.ack_and_go_on(ack, next).await.unwrap();
    assert_eq!(acked.appended[0].id, result.id);
    assert_eq!(acked.next, None);
    let rest = drain(&store, &worker).await;
    assert_eq!(rest.len(), places.len() - STRETCH + 1);
    assert_eq!(rest.iter().filter(|id| **id == result.id).count(), 1);
}

fn stream_of(place: &Place) -> sourced::StreamId {
    stream(&place.stream)
}
