//! *fenced*: who lost a lane can do nothing in its name any more.

use std::sync::Arc;

use sourced::ExpectedSeq;
use sourced::backend::{
    Ack, Backend, Claim, ClaimKey, Epoch, FenceError, Refusal, Verdict, WorkerId,
};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{Gate, Step, doc, steps};

pub async fn an_ack_of_a_lost_lane_stores_nothing<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let command = command();
    append(&store, "a", [command.clone()]).await;
    let lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.colleague().claim(&store).await;

    let error = store.ack(rich_ack(&lost)).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    assert_eq!(read(&store, "result").await, []);
    assert_eq!(store.refusal(command.id).await.unwrap(), None);
    assert_eq!(doc(&store, "k").await, None);
    store.ack(rich_ack(&taken)).await.unwrap();
    assert_eq!(seqs(&read(&store, "result").await), [1]);
}

pub async fn a_lost_lane_cannot_be_released_or_failed<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.colleague().claim(&store).await;
    everything_is_fenced(&store, &lost, &lost.key).await;
    let lane = store
        .lane(&group("g"), &stream("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((lane.attempts, lane.parked), (0, false));
    assert_eq!(lane.last_error(), None);
    assert_eq!(worker.try_claim(&store).await, [], "still held");
    store.ack(ack_all(&taken)).await.unwrap();
}

pub async fn a_claim_ends_once<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(3)).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    everything_is_fenced(&store, &claim, &claim.key).await;
    let claim = worker.claim(&store).await;
    store.release(&claim.key).await.unwrap();
    everything_is_fenced(&store, &claim, &claim.key).await;
    let claim = worker.claim(&store).await;
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&claim.key, verdict, "no").await.unwrap();
    everything_is_fenced(&store, &claim, &claim.key).await;
    let lane = store.lane(&group("g"), &stream("a")).await.unwrap();
    assert_eq!(lane.unwrap().attempts, 1);
}

pub async fn a_skip_takes_the_lane_from_its_holder<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let places = append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    let (group, stream) = (group("g"), stream("a"));
    let skip = store.skip(&group, &stream, places[0].position, "it hangs");
    skip.await.unwrap();
    let lost = store.ack(ack_all(&claim)).await.unwrap_err();
    assert!(lost.is_fenced(), "{lost:?}");
    let late = store.fail(&claim.key, Verdict::Skip, "late").await;
    assert!(matches!(late, Err(FenceError::Fenced { .. })), "{late:?}");
    let next = worker.claim(&store).await;
    assert_eq!(delivered(&next), [places[1].id]);
    store.ack(ack_all(&next)).await.unwrap();
}

pub async fn worker_and_epoch_both_count<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    let epoch = claim.key.epoch.get();
    let wrong = [
        ClaimKey {
            worker: WorkerId::from_uuid(uuid()),
            ..claim.key.clone()
        },
        ClaimKey {
            epoch: Epoch::new(epoch + 1),
            ..claim.key.clone()
        },
        ClaimKey {
            epoch: Epoch::new(epoch - 1),
            ..claim.key.clone()
        },
        ClaimKey {
            stream: stream("never claimed"),
            ..claim.key.clone()
        },
    ];
    for key in wrong {
        everything_is_fenced(&store, &claim, &key).await;
    }
    store.ack(ack_all(&claim)).await.unwrap();
}

pub async fn another_process_can_end_the_claim_it_is_given<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    let other = harness.another(&store, &guard).await;
    assert_eq!(worker.try_claim(&other).await, []);
    other.ack(ack_all(&claim)).await.unwrap();
    everything_is_fenced(&store, &claim, &claim.key).await;
}

pub async fn an_ack_races_with_a_takeover_and_one_of_them_wins<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let store = Arc::new(store);
    let gate = Gate::closed();
    let mut ack = rich_ack(&claim);
    ack.syncs.push(steps([Step::Gate(gate.clone())]));
    let acking = {
        let store = Arc::clone(&store);
        spawn(async move { store.ack(ack).await })
    };
    gate.arrival().await;
    let taking = {
        let (store, colleague) = (Arc::clone(&store), worker.colleague());
        spawn(async move { colleague.try_claim(&*store).await })
    };
    gate.open();
    let claims = taking.await.expect("the claim panicked");
    let has_taken = claims
        .iter()
        .any(|taken| taken.key.stream == claim.key.stream);
    let (stored, document) = match acking.await.expect("the ack panicked") {
        Ok(_) => {
            assert!(!has_taken, "acknowledged and delivered again");
            (vec![1], Some(1))
        }
        Err(error) => {
            assert!(error.is_fenced(), "{error:?}");
            assert!(has_taken, "fenced though nobody else has it");
            (vec![], None)
        }
    };
    assert_eq!(seqs(&read(&*store, "result").await), stored);
    assert_eq!(doc(&*store, "k").await, document);
}

fn rich_ack(claim: &Claim) -> Ack {
    let mut ack = ack_all(claim);
    ack.appends = vec![to("result", ExpectedSeq::Any, [event()])];
    ack.refusals = vec![Refusal {
        command: claim.deliveries[0].message.id,
        reason: "no".to_owned(),
    }];
    ack.syncs = vec![steps([Step::Put("k", 1)])];
    ack
}

/// Nothing works with this key.
async fn everything_is_fenced(store: &impl Backend, claim: &Claim, key: &ClaimKey) {
    let ack = Ack {
        claim: key.clone(),
        ..ack_all(claim)
    };
    let error = store.ack(ack).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    let is_fenced = |result| matches!(result, Err(FenceError::Fenced { .. }));
    assert!(is_fenced(store.release(key).await));
    let retry = Verdict::RetryAfter(LEASE);
    assert!(is_fenced(store.fail(key, retry, "late").await));
    assert!(is_fenced(store.fail(key, Verdict::Park, "late").await));
    let lost = store.renew(std::slice::from_ref(key), LEASE).await.unwrap();
    assert_eq!(lost, std::slice::from_ref(key));
}
