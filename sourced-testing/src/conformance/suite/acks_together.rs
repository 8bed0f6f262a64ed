//! Acknowledgements at the same time, which a backend may put into one transaction: each gets its own answer.

use std::sync::Arc;

use sourced::ExpectedSeq;
use sourced::backend::{Ack, AckError, Appended, Backend, Claim, Refusal};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{Step, doc, steps};

/// Lanes of one worker, in the streams `s-0`, `s-1`, …
const LANES: usize = 10;
/// Which of them is to be refused.
const ODD: usize = 4;
const KEYS: [&str; LANES] = ["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"];

pub async fn a_fenced_one_leaves_the_others_alone<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claims) = claimed(&store).await;
    store.release(&claims[ODD].key).await.unwrap();
    let taken = worker.colleague().claim_lanes(&store, 1).await;
    assert_eq!(taken[0].key.stream, claims[ODD].key.stream);
    let acks = claims.iter().enumerate().map(|(n, claim)| rich(n, claim));
    let (store, results) = at_once(store, acks.collect()).await;
    for (n, result) in results.iter().enumerate() {
        match result {
            Err(error) if n == ODD => assert!(error.is_fenced(), "{error:?}"),
            result => assert!(result.is_ok() && n != ODD, "{n}: {result:?}"),
        }
    }
    only_the_odd_one_is_missing(&*store, &claims).await;
}

pub async fn a_conflict_of_one_leaves_the_others_alone<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (_, claims) = claimed(&store).await;
    append(&store, "elsewhere", [event()]).await;
    let acks = claims.iter().enumerate().map(|(n, claim)| {
        let mut ack = rich(n, claim);
        if n == ODD {
            let late = to("elsewhere", ExpectedSeq::NoStream, [event()]);
            ack.appends.push(late);
        }
        ack
    });
    let (store, results) = at_once(store, acks.collect()).await;
    for (n, result) in results.iter().enumerate() {
        match result {
            Err(error) if n == ODD => assert!(error.is_conflict(), "{error:?}"),
            result => assert!(result.is_ok() && n != ODD, "{n}: {result:?}"),
        }
    }
    only_the_odd_one_is_missing(&*store, &claims).await;
    store.ack(rich(ODD, &claims[ODD])).await.unwrap();
}

pub async fn a_failing_sync_action_leaves_the_others_alone<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (_, claims) = claimed(&store).await;
    let acks = claims.iter().enumerate().map(|(n, claim)| {
        let mut ack = rich(n, claim);
        if n == ODD {
            ack.syncs.push(steps([Step::Fail("no")]));
        }
        ack
    });
    let (store, results) = at_once(store, acks.collect()).await;
    for (n, result) in results.iter().enumerate() {
        match result {
            Err(error) if n == ODD => assert!(matches!(error, AckError::Sync(_)), "{error:?}"),
            result => assert!(result.is_ok() && n != ODD, "{n}: {result:?}"),
        }
    }
    only_the_odd_one_is_missing(&*store, &claims).await;
    store.ack(rich(ODD, &claims[ODD])).await.unwrap();
}

pub async fn all_may_append_to_one_stream<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (_, claims) = claimed(&store).await;
    let acks = claims.iter().map(|claim| {
        let mut ack = ack_all(claim);
        ack.appends = vec![to("shared", ExpectedSeq::Any, events(3))];
        ack
    });
    let (store, results) = at_once(store, acks.collect()).await;
    let stored = read(&*store, "shared").await;
    let count = 3 * LANES as u64;
    assert_eq!(seqs(&stored), (1..=count).collect::<Vec<_>>());
    assert!(stored.is_sorted_by_key(|message| message.position));
    for result in results {
        let places = result.unwrap();
        let (first, last) = (places[0].seq.get(), places[2].seq.get());
        assert_eq!(last - first, 2, "the messages of one stand together");
        for place in places {
            let found = &stored[usize::try_from(place.seq.get() - 1).unwrap()];
            assert_eq!((found.id, found.position), (place.id, place.position));
        }
    }
}

pub async fn one_winner_of_those_that_expect_the_same<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (_, claims) = claimed(&store).await;
    let acks = claims.iter().map(|claim| {
        let mut ack = ack_all(claim);
        ack.appends = vec![to("shared", ExpectedSeq::NoEventAfter(None), [event()])];
        ack
    });
    let (store, results) = at_once(store, acks.collect()).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won, 1);
    let mut lost = results.iter().filter_map(|result| result.as_ref().err());
    assert!(lost.all(AckError::is_conflict), "{results:?}");
    assert_eq!(seqs(&read(&*store, "shared").await), [1]);
}

pub async fn the_same_document_has_the_value_of_one_of_them<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (_, claims) = claimed(&store).await;
    let acks = claims.iter().zip(0..).map(|(claim, n)| {
        let mut ack = ack_all(claim);
        ack.syncs = vec![steps([Step::Put("k", n), Step::Delete("l")])];
        ack
    });
    let (store, results) = at_once(store, acks.collect()).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(doc(&*store, "k").await.unwrap() < LANES as u64);
    assert_eq!(doc(&*store, "l").await, None);
}

async fn claimed(store: &impl Backend) -> (Worker, Vec<Claim>) {
    let worker = Worker::of(store, "g").await;
    for n in 0..LANES {
        append(store, format!("s-{n}"), [command()]).await;
    }
    let mut claims = worker.claim_lanes(store, LANES).await;
    claims.sort_by(|a, b| a.key.stream.cmp(&b.key.stream));
    (worker, claims)
}

/// Something of everything, for the nth stream.
fn rich(n: usize, claim: &Claim) -> Ack {
    let mut ack = ack_all(claim);
    ack.appends = vec![to(format!("out-{n}"), ExpectedSeq::NoStream, [other()])];
    ack.refusals = vec![Refusal {
        command: claim.deliveries[0].message.id,
        reason: n.to_string(),
    }];
    ack.syncs = vec![steps([Step::Put(KEYS[n], n as u64)])];
    ack
}

async fn at_once<B: Backend + 'static>(
    store: B,
    acks: Vec<Ack>,
) -> (Arc<B>, Vec<Result<Vec<Appended>, AckError>>) {
    let store = Arc::new(store);
    let acking = acks.into_iter().map(|ack| {
        let store = Arc::clone(&store);
        spawn(async move { store.ack(ack).await })
    });
    let results = join(acking.collect()).await;
    (store, results)
}

async fn only_the_odd_one_is_missing(store: &impl Backend, claims: &[Claim]) {
    for (n, claim) in claims.iter().enumerate() {
        let is_there = n != ODD;
        let command = claim.deliveries[0].message.id;
        let reason = store
            .refusal(command)
            .await
            .unwrap()
            .map(|refusal| refusal.reason);
        assert_eq!(
            read(store, format!("out-{n}")).await.len(),
            usize::from(is_there)
        );
        assert_eq!(reason, is_there.then(|| n.to_string()));
        assert_eq!(doc(store, KEYS[n]).await, is_there.then_some(n as u64));
        let lane = store
            .lane(&claim.key.group, &claim.key.stream)
            .await
            .unwrap();
        let acked = lane.map(|lane| lane.acked);
        let is_acked = acked == Some(claim.deliveries[0].message.position);
        assert_eq!(is_acked, is_there, "s-{n}: {acked:?}");
    }
}
