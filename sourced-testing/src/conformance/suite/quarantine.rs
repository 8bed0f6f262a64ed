//! *quarantine*: a parked stream waits, for that group alone, and nothing else does.

use sourced::backend::{
    AckError, Backend, BackendError, MAX_REASON_BYTES, Quarantine, QuarantineError, Remedy, Verdict,
};
use sourced::{ExpectedSeq, Position, Timestamp};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{Step, doc, steps};

pub async fn later_messages_of_a_parked_stream_wait<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = parked(&store).await;
    append(&store, "bad", events(2)).await;
    append(&store, "good", [event()]).await;
    assert_eq!(worker.claim(&store).await.key.stream, stream("good"));
    harness.advance(&store, &guard, LEASE * 1_000).await;
    let claims = worker.claim_lanes(&store, 1).await;
    assert_eq!(streams_of(&claims), ["good"], "its lease has ended");
}

pub async fn a_failure_behind_progress_is_noted_with_it<H: Harness>(harness: &H) {
    let verdicts = [
        Verdict::RetryAfter(LEASE),
        Verdict::Park,
        Verdict::Skip,
        Verdict::StopGroup,
    ];
    for verdict in verdicts {
        for has_sync in [false, true] {
            let (store, _guard) = harness.fresh().await;
            let worker = Worker::of(&store, "g").await;
            append(&store, "a", events(4)).await;
            let claim = worker.claim(&store).await;
            let second = claim.deliveries[2].message.clone();
            let mut ack = ack_upto(&claim, 2);
            ack.appends = vec![to("b", ExpectedSeq::Any, [other()])];
            if has_sync {
                ack.syncs = vec![steps([Step::Increment("n")])];
            }
            let appended = store
                .ack_and_fail(ack.clone(), verdict, "no")
                .await
                .unwrap();
            assert_eq!(appended[0].seq, seq(1));
            assert_eq!(doc(&store, "n").await, has_sync.then_some(1));
            let again = store.ack_and_fail(ack, verdict, "no").await.unwrap_err();
            assert!(again.is_fenced(), "{verdict:?}: {again:?}");
            let lane = store
                .lane(&group("g"), &stream("a"))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(lane.parked, verdict == Verdict::Park);
            if verdict == Verdict::Skip {
                let skip = store
                    .skip_of(&group("g"), second.position)
                    .await
                    .unwrap()
                    .unwrap();
                assert_eq!((skip.attempts, &*skip.reason), (1, "no"));
                assert_eq!(
                    delivered(&worker.claim(&store).await),
                    [claim.deliveries[3].message.id]
                );
                continue;
            }
            assert_eq!(lane.attempts, 1, "{verdict:?}");
            assert_eq!(lane.acked, claim.deliveries[1].message.position);
            let failure = lane.failure.unwrap();
            assert_eq!((failure.message, &*failure.error), (second.id, "no"));
            assert_eq!(worker.try_claim(&store).await, [], "{verdict:?}");
            let state = store.group_state(&group("g")).await.unwrap();
            assert_eq!(state.is_active(), verdict != Verdict::StopGroup);
        }
    }
}

pub async fn a_failure_behind_what_is_not_stored_is_not_noted<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    let mut ack = ack_upto(&claim, 1);
    ack.syncs = vec![steps([Step::Put("n", 1), Step::Fail("on purpose")])];
    let error = store.ack_and_fail(ack, Verdict::Park, "no").await;
    assert!(matches!(error, Err(AckError::Sync(_))), "{error:?}");
    let lane = store
        .lane(&group("g"), &stream("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (lane.attempts, lane.parked, lane.acked),
        (0, false, Position::START)
    );
    store.ack(ack_all(&claim)).await.unwrap();
}

pub async fn other_groups_go_on<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    _ = parked(&store).await;
    let other = Worker::of(&store, "other").await;
    let claim = other.claim(&store).await;
    assert_eq!(claim.key.stream, stream("bad"));
    store.ack(ack_all(&claim)).await.unwrap();
}

pub async fn the_lane_says_why<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    _ = parked(&store).await;
    let lane = store
        .lane(&group("g"), &stream("bad"))
        .await
        .unwrap()
        .unwrap();
    assert!(lane.parked);
    assert_eq!(lane.attempts, 1);
    assert_eq!(lane.last_error(), Some("cannot be handled"));
    assert_eq!(lane.acked, Position::START);
}

pub async fn registering_the_group_again_does_not_let_it_out<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = parked(&store).await;
    for types in [&[HAPPENED, WISHED][..], &[HAPPENED, WISHED, OTHER]] {
        register(&store, "g", types).await;
        append(&store, "bad", [event()]).await;
        assert_eq!(worker.try_claim(&store).await, []);
        let lane = store.lane(&group("g"), &stream("bad")).await.unwrap();
        assert!(lane.unwrap().parked);
    }
}

pub async fn parked_streams_are_listed_with_what_failed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let mut messages = events(4);
    messages.push(command());
    for (message, name) in messages.iter().zip(["a", "b", "c", "d", "e"]) {
        append(&store, name, [other(), message.clone()]).await;
    }
    for claim in worker.claim_lanes(&store, 5).await {
        let verdict = match claim.key.stream.as_str() {
            "d" => Verdict::RetryAfter(LEASE),
            _ => Verdict::Park,
        };
        let error = format!("no {}", claim.key.stream);
        store.fail(&claim.key, verdict, &error).await.unwrap();
    }
    let (mut parked, mut after) = (Vec::new(), None);
    loop {
        let page = store.parked(&group("g"), after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.stream.clone());
        parked.extend(page);
    }
    parked.sort_by(|a, b| a.stream.cmp(&b.stream));
    let streams: Vec<&str> = parked.iter().map(|parked| parked.stream.as_str()).collect();
    assert_eq!(streams, ["a", "b", "c", "e"]);
    for parked in parked {
        let stored = read(&store, &parked.stream).await.remove(1);
        let failure = parked.failure;
        assert_eq!(failure.position, stored.position);
        assert_eq!((failure.seq, failure.message), (stored.seq, stored.id));
        assert_eq!(failure.type_name, stored.type_name);
        assert_eq!(failure.error, format!("no {}", parked.stream));
        assert_eq!(parked.attempts, 1);
        assert_eq!(failure.since, failure.at);
    }
}

pub async fn the_time_of_the_first_failure_is_kept<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "bad", [event()]).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.failing_for, std::time::Duration::ZERO);
    let verdict = Verdict::RetryAfter(BEFORE_ITS_END);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    let before = failed_since(&store).await;
    harness.advance(&store, &guard, LEASE).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.attempts, 1);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    // Where the clock cannot be moved, the stored times are.
    assert!(failed_since(&store).await <= before);
    harness.advance(&store, &guard, LEASE).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    let lane = store.lane(&group("g"), &stream("bad")).await.unwrap();
    assert_eq!(lane.unwrap().failure, None);
}

pub async fn a_long_error_is_cut<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "bad", [event()]).await;
    let claim = worker.claim(&store).await;
    let error = "é".repeat(MAX_REASON_BYTES);
    store.fail(&claim.key, Verdict::Park, &error).await.unwrap();
    let kept = store.parked(&group("g"), None, 1).await.unwrap().remove(0);
    assert_eq!(kept.failure.error, "é".repeat(MAX_REASON_BYTES / 2));
}

pub async fn a_retried_stream_goes_on_in_order<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = parked(&store).await;
    let later = append(&store, "bad", events(2)).await;
    let other_process = harness.another(&store, &guard).await;
    let (name, bad) = (group("g"), stream("bad"));
    let retried = other_process.retry_parked(&name, &bad, "repaired").await;
    retried.unwrap();
    assert_eq!(store.parked(&name, None, 10).await.unwrap(), []);
    let claim = worker.claim(&store).await;
    assert_eq!(claim.attempts, 0);
    assert_eq!(claim.deliveries.len(), 3);
    assert_eq!(delivered(&claim)[1..], [later[0].id, later[1].id]);
    assert!(!claim.deliveries[0].replaying);
    let records = records(&store, Remedy::Retried).await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].message, delivered(&claim)[0]);
    assert_eq!((records[0].attempts, &*records[0].reason), (1, "repaired"));
    assert_eq!(records[0].error.as_deref(), Some("cannot be handled"));
    assert_eq!(records_of_skips(&store).await, 0);
}

pub async fn only_what_is_parked_is_retried<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = parked(&store).await;
    let name = group("g");
    let retry = async |on: &str| store.retry_parked(&name, &stream(on), "again").await;
    retry("bad").await.unwrap();
    let claim = worker.claim(&store).await;
    for not_parked in ["bad", "nowhere"] {
        let refused = retry(not_parked).await;
        assert!(
            matches!(refused, Err(QuarantineError::NotParked { .. })),
            "{refused:?}"
        );
    }
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(records(&store, Remedy::Retried).await.len(), 1);
}

pub async fn a_skipped_message_is_recorded_and_the_rest_goes_on<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = parked(&store).await;
    let bad = read(&store, "bad").await.remove(0);
    let later = append(&store, "bad", [event()]).await;
    let name = group("g");
    let skip = store.skip(&name, &bad.stream_id, bad.position, "it is broken");
    skip.await.unwrap();
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [later[0].id]);
    assert_eq!(claim.attempts, 0);
    let record = records(&store, Remedy::Skipped).await.remove(0);
    assert_eq!(record.remedy, Remedy::Skipped);
    assert_eq!(record.stream, bad.stream_id);
    assert_eq!((record.position, record.seq), (bad.position, bad.seq));
    assert_eq!(
        (record.message, &record.type_name),
        (bad.id, &bad.type_name)
    );
    assert_eq!((record.attempts, &*record.reason), (1, "it is broken"));
    assert_eq!(record.error.as_deref(), Some("cannot be handled"));
    let found = store.skip_of(&name, bad.position).await.unwrap();
    assert_eq!(found, Some(record));
    assert_eq!(store.skip_of(&name, later[0].position).await.unwrap(), None);
}

pub async fn a_policy_can_skip<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(3);
    append(&store, "bad", messages.clone()).await;
    for left in [2, 1, 0] {
        let claim = worker.claim(&store).await;
        assert_eq!(delivered(&claim), ids_of(&messages[2 - left..]));
        let error = format!("{left} are left");
        store.fail(&claim.key, Verdict::Skip, &error).await.unwrap();
        let late = store.fail(&claim.key, Verdict::Skip, "late").await;
        assert!(late.is_err(), "a claim ends once");
    }
    is_quiet(&store, &worker).await;
    let records = records(&store, Remedy::Skipped).await;
    let skipped: Vec<_> = records.iter().map(|record| record.message).collect();
    assert_eq!(skipped, ids_of(&messages));
    assert_eq!(records[0].error.as_deref(), Some("2 are left"));
    assert_eq!(
        (records[0].attempts, &*records[0].reason),
        (1, "2 are left")
    );
}

pub async fn records_come_in_pages_and_end_with_their_group<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "bad", events(5)).await;
    for _ in 0..5 {
        let claim = worker.claim(&store).await;
        store.fail(&claim.key, Verdict::Skip, "no").await.unwrap();
    }
    let page = async |after: Option<u64>| {
        let name = group("g");
        let page = store.interventions(&name, Remedy::Skipped, after, 2);
        page.await.unwrap()
    };
    let (mut seqs, mut after) = (Vec::new(), None);
    loop {
        let records = page(after).await;
        let Some(last) = records.last() else { break };
        after = Some(last.number);
        seqs.extend(records.iter().map(|record| record.seq.get()));
    }
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
    store.remove_group(&group("g")).await.unwrap();
    Worker::of(&store, "g").await;
    assert_eq!(page(None).await, []);
}

pub async fn it_is_an_error_for_an_unknown_group<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (nobody, bad) = (group("nobody"), stream("bad"));
    let is_unknown = |error: &BackendError| matches!(error, BackendError::UnknownGroup(_));
    assert!(is_unknown(
        &store.parked(&nobody, None, 1).await.unwrap_err()
    ));
    let records = store.interventions(&nobody, Remedy::Skipped, None, 1);
    assert!(is_unknown(&records.await.unwrap_err()));
    let skip_of = store.skip_of(&nobody, Position::new(1));
    assert!(is_unknown(&skip_of.await.unwrap_err()));
    let retry = store.retry_parked(&nobody, &bad, "again").await;
    assert!(matches!(retry, Err(QuarantineError::Backend(error)) if is_unknown(&error)));
    let skip = store.skip(&nobody, &bad, Position::new(1), "no").await;
    assert!(matches!(skip, Err(QuarantineError::Backend(error)) if is_unknown(&error)));
}

pub async fn groups_are_listed_with_how_far_they_are<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    assert_eq!(store.groups().await.unwrap(), []);
    let worker = parked(&store).await;
    register(&store, "f", &[OTHER]).await;
    store.stop_group(&group("f"), "why not").await.unwrap();
    let first = append(&store, "good", events(2)).await;
    append(&store, "better", [event()]).await;
    let claims = worker.claim_lanes(&store, 2).await;
    let retry = Verdict::RetryAfter(LEASE);
    store.fail(&claims[1].key, retry, "no").await.unwrap();
    let status = async || store.groups().await.unwrap().pop().unwrap();
    let listed = store.groups().await.unwrap();
    let names: Vec<&str> = listed.iter().map(|status| status.id.as_str()).collect();
    assert_eq!(names, ["f", "g"]);
    assert!(!listed[0].state.is_active() && listed[1].state.is_active());
    let types: Vec<&str> = listed[1]
        .types
        .iter()
        .map(sourced::TypeName::as_str)
        .collect();
    assert_eq!(types, [HAPPENED, WISHED]);
    assert_eq!((listed[1].pending, listed[1].parked), (2, 1));
    assert_eq!(listed[1].log_end, store.log_end().await.unwrap());
    assert_eq!(listed[1].oldest_pending, Some(first[0].position));
    assert_eq!(listed[1].lag(), 3);
    store.ack(ack_upto(&claims[0], 1)).await.unwrap();
    assert_eq!(status().await.oldest_pending, Some(first[1].position));
    let rest = worker.claim(&store).await;
    store.ack(ack_all(&rest)).await.unwrap();
    assert_eq!((status().await.pending, status().await.lag()), (1, 1));
    let bad = read(&store, "bad").await.remove(0);
    let name = group("g");
    let skip = store.skip(&name, &bad.stream_id, bad.position, "no");
    skip.await.unwrap();
    assert_eq!(status().await.parked, 0);
    assert!(!status().await.is_replaying);
}

async fn failed_since(store: &impl Backend) -> Timestamp {
    let lane = store.lane(&group("g"), &stream("bad")).await.unwrap();
    lane.unwrap().failure.unwrap().since
}

async fn records(store: &impl Quarantine, remedy: Remedy) -> Vec<sourced::backend::Intervention> {
    let name = group("g");
    let records = store.interventions(&name, remedy, None, 100);
    records.await.unwrap()
}

async fn records_of_skips(store: &impl Quarantine) -> usize {
    records(store, Remedy::Skipped).await.len()
}

/// Group `g` has parked stream `bad` with one message.
async fn parked(store: &impl Backend) -> Worker {
    let worker = Worker::of(store, "g").await;
    append(store, "bad", [event()]).await;
    let claim = worker.claim(store).await;
    let verdict = Verdict::Park;
    store
        .fail(&claim.key, verdict, "cannot be handled")
        .await
        .unwrap();
    worker
}
