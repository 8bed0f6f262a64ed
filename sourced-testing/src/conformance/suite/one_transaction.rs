//! *one-transaction*: what an acknowledgement stores is stored together, or not at all.

use std::sync::Arc;

use sourced::backend::{Ack, AckError, Backend, Claim, Refusal};
use sourced::{ExpectedSeq, MessageId};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{Gate, Step, doc, steps};

pub async fn everything_is_stored_together<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim, command) = claimed_command(&store).await;
    store
        .ack(rich_ack(&claim, [Step::Put("k", 1)]))
        .await
        .unwrap();
    assert_eq!(seqs(&read(&store, "result").await), [1]);
    assert!(store.refusal(command).await.unwrap().is_some());
    assert_eq!(doc(&store, "k").await, Some(1));
    let claims = worker.claim_lanes(&store, 1).await;
    assert_eq!(streams_of(&claims), ["result"]);
}

pub async fn a_failing_sync_action_undoes_everything<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim, command) = claimed_command(&store).await;
    let mut ack = rich_ack(&claim, [Step::Put("k", 1)]);
    ack.syncs.push(steps([
        Step::Put("l", 2),
        Step::Fail("the printer is on fire"),
    ]));
    match store.ack(ack.clone()).await {
        Err(AckError::Sync(failure)) => {
            let text = failure.to_string();
            assert!(text.contains("the printer is on fire"), "{text}");
        }
        result => panic!("not failed: {result:?}"),
    }
    nothing_happened(&store, &worker, command).await;
    ack.syncs.pop();
    store.ack(ack).await.unwrap();
    assert_eq!(doc(&store, "k").await, Some(1));
    assert_eq!(doc(&store, "l").await, None);
}

pub async fn outage_is_no_attempt_when_a_sync_action_meets_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim, command) = claimed_command(&store).await;
    let mut ack = rich_ack(&claim, [Step::Put("k", 1), Step::Outage]);
    match store.ack(ack.clone()).await {
        Err(AckError::Backend(error)) => assert!(error.is_transient(), "{error:?}"),
        result => panic!("not told as an outage: {result:?}"),
    }
    nothing_happened(&store, &worker, command).await;
    // The claim is still held.
    ack.syncs = vec![steps([Step::Put("k", 1)])];
    store.ack(ack).await.unwrap();
    assert_eq!(doc(&store, "k").await, Some(1));
}

pub async fn a_refused_append_undoes_everything<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim, command) = claimed_command(&store).await;
    let mut ack = rich_ack(&claim, [Step::Put("k", 1)]);
    let wrong = to("other", ExpectedSeq::Exactly(seq(9)), [event()]);
    ack.appends.push(wrong);
    let error = store.ack(ack.clone()).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    nothing_happened(&store, &worker, command).await;
    ack.appends.pop();
    store.ack(ack).await.unwrap();
}

pub async fn a_panicking_sync_action_undoes_everything<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim, command) = claimed_command(&store).await;
    let store = Arc::new(store);
    let ack = rich_ack(&claim, [Step::Put("k", 1), Step::Panic]);
    let task = {
        let store = Arc::clone(&store);
        spawn(async move { store.ack(ack).await })
    };
    // Either the panic goes through or the backend turns it into an error.
    assert!(!matches!(task.await, Some(Ok(_))));
    nothing_happened(&*store, &worker, command).await;
    let ack = rich_ack(&claim, [Step::Put("k", 1)]);
    store.ack(ack).await.unwrap();
}

pub async fn nothing_is_seen_before_the_commit<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let (worker, claim, command) = claimed_command(&store).await;
    let reader = harness.another(&store, &guard).await;
    let gate = Gate::closed();
    let ack = rich_ack(&claim, [Step::Put("k", 1), Step::Gate(gate.clone())]);
    let acking = spawn(async move { store.ack(ack).await });
    gate.arrival().await;
    assert_eq!(read(&reader, "result").await, []);
    assert_eq!(reader.refusal(command).await.unwrap(), None);
    assert_eq!(doc(&reader, "k").await, None);
    gate.open();
    acking.await.expect("the ack panicked").unwrap();
    assert_eq!(seqs(&read(&reader, "result").await), [1]);
    assert!(reader.refusal(command).await.unwrap().is_some());
    assert_eq!(doc(&reader, "k").await, Some(1));
    assert_eq!(worker.claim(&reader).await.key.stream, stream("result"));
}

pub async fn sync_actions_run_in_order_and_see_each_other<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim, _) = claimed_command(&store).await;
    let first = [
        Step::Sees("k", None),
        Step::Put("k", 1),
        Step::Sees("k", Some(1)),
    ];
    let mut ack = rich_ack(&claim, first);
    ack.syncs
        .push(steps([Step::Sees("k", Some(1)), Step::Put("k", 2)]));
    ack.syncs
        .push(steps([Step::Put("gone", 1), Step::Delete("gone")]));
    ack.syncs.push(steps([
        Step::Sees("gone", None),
        Step::Delete("never there"),
    ]));
    store.ack(ack).await.unwrap();
    assert_eq!(doc(&store, "k").await, Some(2));
    assert_eq!(doc(&store, "gone").await, None);

    let claim = worker.claim(&store).await;
    let mut ack = ack_all(&claim);
    ack.syncs = vec![steps([
        Step::Sees("k", Some(2)),
        Step::Delete("k"),
        Step::Sees("k", None),
    ])];
    store.ack(ack).await.unwrap();
    assert_eq!(doc(&store, "k").await, None);
}

pub async fn concurrent_acks_lose_no_update<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    for n in 0..16 {
        append(&store, format!("s-{n}"), [event()]).await;
    }
    let store = Arc::new(store);
    let claims = worker.claim_lanes(&*store, 16).await;
    let acks = claims.into_iter().map(|claim| {
        let store = Arc::clone(&store);
        let mut ack = ack_all(&claim);
        ack.syncs = vec![steps([Step::Increment("count")])];
        spawn(async move { store.ack(ack).await.unwrap() })
    });
    join(acks.collect()).await;
    assert_eq!(doc(&*store, "count").await, Some(16));
}

/// A claim on one command in stream `a`.
async fn claimed_command(store: &impl Backend) -> (Worker, Claim, MessageId) {
    let worker = Worker::of(store, "g").await;
    let command = command();
    append(store, "a", [command.clone()]).await;
    let claim = worker.claim(store).await;
    (worker, claim, command.id)
}

/// An acknowledgement with something of everything: an event for stream `result`, a refusal, documents.
fn rich_ack(claim: &Claim, sync: impl Into<Vec<Step>>) -> Ack {
    let mut ack = ack_all(claim);
    ack.appends = vec![to("result", ExpectedSeq::NoStream, [event()])];
    ack.refusals = vec![Refusal {
        command: claim.deliveries[0].message.id,
        reason: "no".to_owned(),
    }];
    ack.syncs = vec![steps(sync)];
    ack
}

async fn nothing_happened(store: &impl Backend, worker: &Worker, command: MessageId) {
    assert_eq!(read(store, "result").await, []);
    assert_eq!(store.refusal(command).await.unwrap(), None);
    assert_eq!(doc(store, "k").await, None);
    assert_eq!(doc(store, "l").await, None);
    let held = worker.colleague().try_claim(store).await;
    assert_eq!(held, [], "the claim is still held");
}
