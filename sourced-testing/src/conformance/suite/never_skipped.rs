//! *never-skipped*: every message a group handles is delivered to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sourced::backend::{Backend, ReadLog, ResetFrom, ResetScope};
use sourced::{ExpectedSeq, MessageId, Selection, StreamId};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn what_arrives_during_a_claim_comes_after_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    let later = events(2);
    append(&store, "a", later.clone()).await;
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(delivered(&worker.claim(&store).await), ids_of(&later));
}

pub async fn a_type_added_later_is_delivered_from_its_first_message<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let in_a = vec![event(), other()];
    let in_b = vec![other(), other()];
    append(&store, "a", in_a.clone()).await;
    append(&store, "b", in_b.clone()).await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [in_a[0].id]);
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);

    register(&store, "g", &[HAPPENED, WISHED, OTHER]).await;
    let claims = worker.claim_lanes(&store, 2).await;
    let found: BTreeSet<_> = claims.iter().map(delivered).collect();
    assert_eq!(found, [vec![in_a[1].id], ids_of(&in_b)].into());
    let replaying = claims.iter().flat_map(|claim| &claim.deliveries);
    assert!(replaying.into_iter().all(|next| !next.replaying));
}

pub async fn a_type_added_during_a_claim_is_not_jumped_over<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = vec![other(), event()];
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    assert_eq!(delivered(&claim), [messages[1].id]);
    register(&store, "g", &[HAPPENED, WISHED, OTHER]).await;
    // Whether this goes through or is fenced: the first message of the stream has not been handled.
    _ = store.ack(ack_all(&claim)).await;
    let claim = worker.colleague().claim(&store).await;
    assert_eq!(delivered(&claim)[0], messages[0].id);
}

pub async fn a_type_taken_away_is_no_longer_delivered<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[HAPPENED, OTHER]).await;
    let worker = Worker::new(&["g"]);
    let messages = vec![other(), event()];
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    store.release(&claim.key).await.unwrap();
    register(&store, "g", &[HAPPENED]).await;
    assert_eq!(delivered(&worker.claim(&store).await), [messages[1].id]);
}

pub async fn what_a_group_decided_itself_is_passed_over_by_it_alone<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let decider = Worker::of(&store, "decider").await;
    let witness = Worker::of(&store, "witness").await;
    let messages = vec![command(), command_decided_by("decider"), event()];
    append(&store, "only", [command_decided_by("decider")]).await;
    append(&store, "a", messages.clone()).await;

    let claim = decider.claim(&store).await;
    assert_eq!(claim.key.stream, stream("a"));
    assert_eq!(delivered(&claim), [messages[0].id, messages[2].id]);
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(decider.try_claim(&store).await, []);
    let claims = witness.claim_lanes(&store, 2).await;
    assert_eq!(streams_of(&claims), ["only", "a"]);
    assert_eq!(delivered(&claims[1]), ids_of(&messages));
}

pub async fn following_the_log_misses_nothing<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let reader = harness.another(&store, &guard).await;
    let store = Arc::new(store);
    let is_done = Arc::new(AtomicBool::new(false));
    let follower = {
        let is_done = Arc::clone(&is_done);
        spawn(async move {
            let mut seen: Vec<MessageId> = Vec::new();
            let mut read = ReadLog::new(Selection::all()).limit(7);
            loop {
                let was_done = is_done.load(Ordering::SeqCst);
                let page = reader.read_log(&read).await.unwrap();
                let after = read.selection.after;
                assert!(page.messages.iter().all(|message| message.position > after));
                read = read.beyond(&page);
                seen.extend(stored_ids(&page.messages));
                match page.is_last {
                    true if was_done => return seen,
                    true => hint(&reader).await,
                    false => {}
                }
            }
        })
    };
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        spawn(async move {
            let mut written = Vec::new();
            for n in 0..20 {
                let messages = events(1 + n % 3);
                written.extend(ids_of(&messages));
                append(&*store, format!("s-{}", (writer + n) % 5), messages).await;
            }
            written
        })
    });
    let written = join(writers.collect()).await.concat();
    is_done.store(true, Ordering::SeqCst);
    let seen = follower.await.expect("the follower panicked");
    assert_eq!(seen.len(), written.len(), "each message once");
    assert_eq!(BTreeSet::from_iter(seen), BTreeSet::from_iter(written));
}

/// Streams of a backlog, and how many messages each of them has: more than is sorted into lanes at once, so that a claim may
/// bring what lies beyond that.
const STREAMS: usize = 5;
const BACKLOG: u64 = 600;

pub async fn a_backlog_comes_once_in_whatever_portions<H: Harness>(harness: &H) {
    let (store, _guard) = with_backlog(harness).await;
    let worker = Worker::new(&["g"]).lanes(3).messages_per_lane(70);
    let mut acked = BTreeMap::new();
    while portion(&store, &worker, &mut acked, &BTreeMap::new()).await {}
    assert_eq!(acked.len(), STREAMS);
    assert!(acked.values().all(|seq| *seq == BACKLOG), "{acked:?}");
}

pub async fn a_reset_brings_a_backlog_again_from_its_beginning<H: Harness>(harness: &H) {
    let (store, _guard) = with_backlog(harness).await;
    let worker = Worker::new(&["g"]).lanes(3).messages_per_lane(70);
    let mut before = BTreeMap::new();
    for _ in 0..5 {
        assert!(portion(&store, &worker, &mut before, &BTreeMap::new()).await);
    }
    let (group, all) = (group("g"), ResetScope::All);
    let reset = store.reset_group(&group, &all, ResetFrom::Beginning);
    reset.await.unwrap();
    let mut acked = BTreeMap::new();
    while portion(&store, &worker, &mut acked, &before).await {}
    assert_eq!(acked.len(), STREAMS);
    assert!(acked.values().all(|seq| *seq == BACKLOG), "{acked:?}");
}

async fn with_backlog<H: Harness>(harness: &H) -> (H::Backend, H::Guard) {
    const RUN: usize = 10;
    let (store, guard) = harness.fresh().await;
    Worker::of(&store, "g").await;
    for _ in 0..BACKLOG / RUN as u64 {
        let runs = (0..STREAMS).map(|n| to(format!("s-{n}"), ExpectedSeq::Any, events(RUN)));
        store.append(runs.collect()).await.unwrap();
    }
    (store, guard)
}

/// Claims once and acknowledges, of every other claim only a part. What comes must follow what was acknowledged in its
/// stream, and be a replay up to what `before` has. Whether there was something.
async fn portion(
    store: &impl Backend,
    worker: &Worker,
    acked: &mut BTreeMap<StreamId, u64>,
    before: &BTreeMap<StreamId, u64>,
) -> bool {
    let claims = worker.try_claim(store).await;
    for (nth, claim) in claims.iter().enumerate() {
        let stream = &claim.key.stream;
        let last = acked.entry(stream.clone()).or_default();
        let replayed = before.get(stream).copied().unwrap_or(0);
        for (seq, delivery) in (*last + 1..).zip(&claim.deliveries) {
            assert_eq!(delivery.message.seq.get(), seq, "{stream}");
            assert_eq!(delivery.replaying, seq <= replayed, "{stream} at {seq}");
        }
        let n_acked = match nth {
            1 => claim.deliveries.len().div_ceil(2),
            _ => claim.deliveries.len(),
        };
        store.ack(ack_upto(claim, n_acked)).await.unwrap();
        *last += n_acked as u64;
    }
    !claims.is_empty()
}

pub async fn appends_to_several_streams_reach_every_lane<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let names: Vec<String> = (0..50).map(|n| format!("s-{n:02}")).collect();
    let appends = names
        .iter()
        .map(|name| to(name, ExpectedSeq::Any, events(2)));
    store.append(appends.collect()).await.unwrap();
    let claims = worker.claim_lanes(&store, 50).await;
    assert_eq!(streams_of(&claims), names);
    assert!(claims.iter().all(|claim| claim.deliveries.len() == 2));
}

fn command_decided_by(name: &str) -> sourced::NewMessage {
    let mut decided = command();
    decided.decided_by = Some(group(name));
    decided
}
