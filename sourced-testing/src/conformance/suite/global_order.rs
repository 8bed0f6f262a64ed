//! Global order: a group that is given the whole log in the order of positions, in one lane.

use std::sync::Arc;

use sourced::backend::{
    AckError, AppendError, Backend, BackendError, Group, GroupOrder, OrderError, ResetFrom,
    ResetScope, StartFrom, Verdict,
};
use sourced::{ExpectedSeq, MessageId, Position, StreamId};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{Step, doc, steps};

mod changes;
mod operating;

pub use changes::*;
pub use operating::*;

pub async fn it_has_one_lane_from_its_registration<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    is_quiet(&store, &worker).await;
    let lane = store.lane(&group("g"), &StreamId::log()).await.unwrap();
    assert_eq!(lane.unwrap().acked, Position::START);
    append(&store, "a", events(2)).await;
    append(&store, "b", [event()]).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.key.stream, StreamId::log());
    assert!(store.pending_lanes(&[group("g")]).await.unwrap() > 0);
    store.ack(ack_all(&claim)).await.unwrap();
    let lane = store.lane(&group("g"), &StreamId::log()).await.unwrap();
    assert_eq!(lane.unwrap().acked, store.log_end().await.unwrap());
    assert_eq!(store.lane(&group("g"), &stream("a")).await.unwrap(), None);
    is_quiet(&store, &worker).await;
}

pub async fn nothing_can_be_appended_to_its_name<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for messages in [events(1), events(0)] {
        let append = to(StreamId::log(), ExpectedSeq::Any, messages);
        let refused = store.append(vec![append]).await;
        assert!(matches!(refused, Err(AppendError::Limit(_))), "{refused:?}");
    }
    assert_eq!(read(&store, StreamId::log()).await, []);
}

pub async fn all_streams_come_in_the_order_of_positions<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let mut ids = mixed(&store).await;
    append(&store, "a", [other(), command()]).await;
    ids.extend(mixed(&store).await);
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), ids);
    store.release(&claim.key).await.unwrap();
    // In batches, and what arrives during a claim comes after it.
    let worker = worker.messages_per_lane(3);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let claim = worker.claim(&store).await;
        seen.extend(delivered(&claim));
        if ids.len() < 12 {
            ids.push(append(&store, "d", [event()]).await[0].id);
        }
        store.ack(ack_all(&claim)).await.unwrap();
    }
    assert_eq!(seen, ids);
    is_quiet(&store, &worker).await;
}

pub async fn claims_of_the_log_are_bounded_in_bytes<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await.bytes(250_000);
    let sizes = [100_000, 100_000, 100_000, 300_000, 100_000, 1_000];
    let mut ids = Vec::new();
    for (name, bytes) in ["b", "a", "b", "c", "a", "c"].into_iter().zip(sizes) {
        ids.push(append(&store, name, [event_of(bytes)]).await[0].id);
    }
    let mut seen = Vec::new();
    for expected in [2, 1, 1, 2] {
        let claim = worker.claim(&store).await;
        assert_eq!(claim.deliveries.len(), expected);
        seen.extend(delivered(&claim));
        store.ack(ack_all(&claim)).await.unwrap();
    }
    assert_eq!(seen, ids);
    is_quiet(&store, &worker).await;
}

pub async fn a_part_of_a_claim_can_be_acknowledged<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let ids = mixed(&store).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 2)).await.unwrap();
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), ids[2..]);
    assert!(claim.deliveries.iter().all(|next| !next.replaying));
}

pub async fn one_worker_of_all_has_it<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let other = harness.another(&store, &guard).await;
    let worker = worker_of_log(&store, "g").await;
    let ids = mixed(&store).await;
    let claim = worker.claim(&store).await;
    append(&store, "z", [event()]).await;
    assert_eq!(worker.colleague().try_claim(&other).await, []);
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(worker.colleague().try_claim(&other).await, []);
    store.ack(ack_all(&claim)).await.unwrap();
    let next = worker.colleague().claim(&other).await;
    assert!(!ids.contains(&delivered(&next)[0]));
}

pub async fn fenced_when_it_was_taken_over<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let ids = mixed(&store).await;
    let lost = worker.claim(&store).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.colleague().claim(&store).await;
    assert_eq!(delivered(&taken), ids);
    let mut ack = ack_all(&lost);
    ack.syncs.push(steps([Step::Put("k", 1)]));
    ack.appends
        .push(to("result", ExpectedSeq::Any, [command()]));
    let error = store.ack(ack.clone()).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    assert_eq!(doc(&store, "k").await, None);
    assert_eq!(read(&store, "result").await, []);
    assert!(store.release(&lost.key).await.is_err());
    assert!(store.fail(&lost.key, Verdict::Park, "no").await.is_err());
    let both = [lost.key.clone(), taken.key.clone()];
    assert_eq!(store.renew(&both, LEASE).await.unwrap(), [lost.key]);
    ack.claim = taken.key.clone();
    store.ack(ack).await.unwrap();
    assert_eq!(doc(&store, "k").await, Some(1));
    is_quiet(&store, &worker).await;
}

pub async fn one_transaction_with_what_it_leads_to<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let ids = mixed(&store).await;
    let claim = worker.claim(&store).await;
    let mut ack = ack_all(&claim);
    ack.syncs.push(steps([Step::Put("k", 1)]));
    ack.syncs.push(steps([Step::Fail("no paper")]));
    let failed = store.ack(ack.clone()).await;
    assert!(matches!(failed, Err(AckError::Sync(_))), "{failed:?}");
    assert_eq!(doc(&store, "k").await, None);
    store.release(&claim.key).await.unwrap();
    let again = worker.claim(&store).await;
    assert_eq!(delivered(&again), ids);
    ack.claim = again.key;
    ack.syncs.pop();
    store.ack(ack).await.unwrap();
    assert_eq!(doc(&store, "k").await, Some(1));
    is_quiet(&store, &worker).await;
}

pub async fn never_skipped_and_in_order_under_load<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let other = Arc::new(harness.another(&store, &guard).await);
    let store = Arc::new(store);
    let worker = worker_of_log(&*store, "g").await.messages_per_lane(7);
    let writers = (0..6).map(|writer| {
        let store = Arc::clone(if writer % 2 == 0 { &store } else { &other });
        spawn(async move {
            for n in 0..25 {
                let messages = events(1 + n % 3);
                append(&*store, format!("s-{}", (writer + n) % 5), messages).await;
            }
        })
    });
    let n_written = 6 * (0..25).map(|n| 1 + n % 3).sum::<usize>();
    let writers: Vec<_> = writers.collect();
    let workers = [&store, &other].map(|store| {
        let (store, worker) = (Arc::clone(store), worker.colleague());
        spawn(async move {
            let mut batches = Vec::new();
            loop {
                let claims = worker.try_claim(&*store).await;
                for claim in &claims {
                    let positions = claim.deliveries.iter().map(|next| next.message.position);
                    batches.push(positions.collect::<Vec<_>>());
                    store.ack(ack_all(claim)).await.unwrap();
                }
                let lane = store.lane(&group("g"), &StreamId::log()).await.unwrap();
                let all = sourced::backend::Selection::all();
                let stored = store.summary(&all).await.unwrap();
                let is_written = stored.count == n_written as u64;
                if is_written && stored.extent.map(|it| it.last) == lane.map(|lane| lane.acked) {
                    return batches;
                }
                if claims.is_empty() {
                    hint(&*store).await;
                }
            }
        })
    });
    join(writers).await;
    let mut batches = join(workers.into()).await.concat();
    batches.sort();
    let handled: Vec<Position> = batches.concat();
    let stored = log(&*store).await;
    let stored: Vec<Position> = stored.iter().map(|message| message.position).collect();
    assert_eq!(handled.len(), n_written, "each once");
    assert_eq!(handled, stored, "one batch after the other");
}

pub async fn other_groups_are_claimed_beside_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    worker_of_log(&store, "g").await;
    Worker::of(&store, "h").await;
    let worker = Worker::new(&["g", "h"]);
    mixed(&store).await;
    let claims = worker.claim_lanes(&store, 4).await;
    let of_log = claims.iter().filter(|claim| claim.key.stream.is_log());
    assert_eq!(of_log.count(), 1);
    for claim in &claims {
        store.ack(ack_all(claim)).await.unwrap();
    }
    is_quiet(&store, &worker).await;
}

/// A worker of a group in global order from the beginning.
async fn worker_of_log(store: &impl Backend, name: &str) -> Worker {
    register_log(store, name, &[HAPPENED], StartFrom::Beginning)
        .await
        .unwrap();
    Worker::new(&[name])
}

async fn register_log(
    store: &impl Backend,
    name: &str,
    types: &[&str],
    start_from: StartFrom,
) -> Result<(), BackendError> {
    let group = Group {
        id: group(name),
        types: types.iter().map(|name| type_name(name)).collect(),
        start_from,
        order: GroupOrder::Global,
    };
    store.register_group(&group).await
}

/// Five events in three streams, alternating.
async fn mixed(store: &impl Backend) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for name in ["b", "a", "b", "c", "a"] {
        ids.push(append(store, name, [event()]).await[0].id);
    }
    ids
}

/// Claims and acknowledges until nothing is left: positions and marks, in the order of delivery.
async fn marks(store: &impl Backend, worker: &Worker) -> Vec<(Position, bool)> {
    let mut found = Vec::new();
    while store.pending_lanes(&worker.request.groups).await.unwrap() > 0 {
        for claim in worker.try_claim(store).await {
            for next in &claim.deliveries {
                found.push((next.message.position, next.replaying));
            }
            store.ack(ack_all(&claim)).await.unwrap();
        }
    }
    found
}

fn refusal(error: &BackendError) -> &OrderError {
    let refused = match error {
        BackendError::Refused(refused) => refused.downcast_ref(),
        _ => None,
    };
    refused.unwrap_or_else(|| panic!("{error:?}"))
}

async fn reset(store: &impl Backend, from: ResetFrom) -> Result<(), BackendError> {
    store.reset_group(&group("g"), &ResetScope::All, from).await
}
