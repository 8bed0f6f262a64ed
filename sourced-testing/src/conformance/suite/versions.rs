//! Versions of a table: which one is live, and taking its place.

use sourced::backend::{
    AckError, Backend, BackendError, Live, ResetFrom, ResetScope, Swap, Swapped, Verdict,
    Versions as _,
};

use super::super::Harness;
use super::super::fixtures::*;
use super::tables::counts;

const OLD: &str = "keeper";
const NEW: &str = "keeper@2";

/// From version 1 to 2.
fn swap(seen: Live) -> Swap {
    Swap {
        table: "counts",
        seen,
        from: group(OLD),
        version: 2,
        to: group(NEW),
    }
}

fn first_swap() -> Swap {
    swap(Live::first(1))
}

async fn live(store: &impl Backend) -> Live {
    store.live("counts").await.unwrap().unwrap()
}

async fn enter(store: &impl Backend, version: u32) -> Live {
    let mut table = counts();
    table.version = version;
    store.enter(&table, &group(OLD)).await.unwrap()
}

/// Two versions, of which the first is live, and their workers.
async fn two(store: &impl Backend) -> (Worker, Worker) {
    let old = Worker::of(store, OLD).await;
    assert_eq!(enter(store, 1).await, Live::first(1));
    let new = Worker::of(store, NEW).await;
    assert_eq!(enter(store, 2).await, Live::first(1));
    (old, new)
}

async fn tried(store: &impl Backend) -> Swapped {
    let before = live(store).await;
    let swapped = store.swap(&first_swap()).await.unwrap();
    if swapped != Swapped::Done {
        assert_eq!(live(store).await, before);
        let state = store.group_state(&group(OLD)).await.unwrap();
        assert!(state.is_active(), "{state:?}");
    }
    swapped
}

pub async fn the_first_to_be_entered_is_live<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    assert_eq!(store.live("counts").await.unwrap(), None);
    assert_eq!(enter(&store, 3).await, Live::first(3));
    assert_eq!(enter(&store, 4).await, Live::first(3));
    assert_eq!(store.live("others").await.unwrap(), None);
}

pub async fn a_table_from_before_there_were_versions_is_the_first<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, OLD, &[HAPPENED]).await;
    assert_eq!(enter(&store, 2).await, Live::first(1));
}

pub async fn one_transaction_stops_the_group_of_the_old_one<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "s", events(2)).await;
    drain(&store, &old).await;
    drain(&store, &new).await;
    assert_eq!(tried(&store).await, Swapped::Done);
    let is = Live {
        version: 2,
        previous: Some(1),
        rolled_back: None,
    };
    assert_eq!(live(&store).await, is);
    let state = store.group_state(&group(OLD)).await.unwrap();
    assert!(!state.is_active(), "{state:?}");
    append(&store, "s", [event()]).await;
    assert_eq!(old.try_claim(&store).await, []);
    assert_eq!(new.claim(&store).await.deliveries.len(), 1);
}

pub async fn never_swapped_while_it_is_behind<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "a", events(3)).await;
    append(&store, "b", events(2)).await;
    drain(&store, &old).await;
    assert_eq!(
        tried(&store).await,
        Swapped::Behind,
        "nothing is sorted yet"
    );
    let claims = new.claim_lanes(&store, 2).await;
    assert_eq!(tried(&store).await, Swapped::Behind, "both are held");
    store.ack(ack_all(&claims[0])).await.unwrap();
    store.ack(ack_upto(&claims[1], 1)).await.unwrap();
    assert_eq!(tried(&store).await, Swapped::Behind, "one is halfway");
    let rest = new.claim(&store).await;
    let retry = Verdict::RetryAfter(LEASE);
    store.fail(&rest.key, retry, "not now").await.unwrap();
    assert_eq!(tried(&store).await, Swapped::Behind, "one is delayed");
    let all = ResetScope::All;
    let again = ResetFrom::Beginning;
    store.reset_group(&group(NEW), &all, again).await.unwrap();
    drain(&store, &new).await;
    assert_eq!(tried(&store).await, Swapped::Done);
}

pub async fn what_the_live_one_has_not_handled_is_not_waited_for<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "a", events(3)).await;
    append(&store, "b", events(3)).await;
    let claim = old.claim_lanes(&store, 2).await.remove(0);
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let claims = new.claim_lanes(&store, 2).await;
    store.ack(ack_upto(&claims[0], 1)).await.unwrap();
    assert_eq!(claims[0].key.stream, claim.key.stream);
    assert_eq!(tried(&store).await, Swapped::Done);
}

pub async fn a_parked_stream_holds_it_back<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "bad", events(1)).await;
    drain(&store, &old).await;
    let claim = new.claim(&store).await;
    store.fail(&claim.key, Verdict::Park, "no").await.unwrap();
    assert_eq!(tried(&store).await, Swapped::Behind);
    let bad = stream("bad");
    store
        .retry_parked(&group(NEW), &bad, "again")
        .await
        .unwrap();
    drain(&store, &new).await;
    store.stop_group(&group(NEW), "a person did").await.unwrap();
    assert_eq!(tried(&store).await, Swapped::Behind, "it does not run");
    store.start_group(&group(NEW)).await.unwrap();
    assert_eq!(tried(&store).await, Swapped::Done);
}

pub async fn fenced_by_a_swap<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "s", events(1)).await;
    let claim = old.claim(&store).await;
    drain(&store, &new).await;
    assert_eq!(tried(&store).await, Swapped::Done);
    let late = store.ack(ack_all(&claim)).await;
    assert!(matches!(late, Err(AckError::Fenced { .. })), "{late:?}");
    store.start_group(&group(OLD)).await.unwrap();
    assert_eq!(old.claim(&store).await.deliveries.len(), 1);
}

pub async fn one_winner_when_it_has_moved<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    two(&store).await;
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = harness.another(&store, &guard).await;
        tasks.push(spawn(
            async move { store.swap(&first_swap()).await.unwrap() },
        ));
    }
    let done = join(tasks).await;
    let n_done = done.iter().filter(|it| **it == Swapped::Done).count();
    let n_moved = done.iter().filter(|it| **it == Swapped::Moved).count();
    assert_eq!((n_done, n_moved), (1, 3), "{done:?}");
}

pub async fn a_group_that_was_removed_is_not_waited_for<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    two(&store).await;
    store.remove_group(&group(OLD)).await.unwrap();
    let swapped = store.swap(&first_swap()).await.unwrap();
    assert_eq!(swapped, Swapped::Done);
    let mut back = swap(live(&store).await);
    (back.from, back.to, back.version) = (group(NEW), group(OLD), 1);
    for unknown in [store.swap(&back).await, store.roll_back(&back).await] {
        let is_unknown = matches!(unknown, Err(BackendError::UnknownGroup(_)));
        assert!(is_unknown, "{unknown:?}");
    }
}

pub async fn a_rollback_is_at_once_and_goes_on_where_it_was<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "s", events(1)).await;
    drain(&store, &old).await;
    drain(&store, &new).await;
    assert_eq!(tried(&store).await, Swapped::Done);
    let late = append(&store, "s", [event()]).await;
    drain(&store, &new).await;
    let mut back = swap(live(&store).await);
    (back.from, back.to, back.version) = (group(NEW), group(OLD), 1);
    assert_eq!(store.roll_back(&back).await.unwrap(), Swapped::Done);
    let is = Live {
        version: 1,
        previous: None,
        rolled_back: Some(2),
    };
    assert_eq!(live(&store).await, is);
    assert_eq!(store.roll_back(&back).await.unwrap(), Swapped::Moved);
    assert_eq!(store.swap(&first_swap()).await.unwrap(), Swapped::Moved);
    let claim = old.claim(&store).await;
    assert_eq!(claim.deliveries[0].message.position, late[0].position);
    assert!(store.group_state(&group(NEW)).await.unwrap().is_active());
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(store.swap(&swap(is)).await.unwrap(), Swapped::Done);
}
