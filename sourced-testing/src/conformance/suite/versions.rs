//! Versions of a table: which one is live, and taking its place.

use std::sync::Arc;
use std::time::Duration;

use sourced::ExpectedSeq;
use sourced::backend::{
    AckError, Backend, BackendError, Live, ResetFrom, ResetScope, RowQuery, Swap, Swapped, Table,
    Tables as _, UnitError, Units as _, Verdict, Versions as _,
};

use super::super::Harness;
use super::super::fixtures::*;
use super::tables::counts;
use super::units::unit;

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

fn table(version: u32) -> Table {
    Table {
        version,
        ..counts()
    }
}

async fn enter(store: &impl Backend, version: u32) -> Live {
    store.enter(&table(version), &group(OLD)).await.unwrap()
}

/// Two versions, of which the first is live, and their workers.
pub(super) async fn two(store: &impl Backend) -> (Worker, Worker) {
    let old = Worker::of(store, OLD).await;
    assert_eq!(enter(store, 1).await, Live::first(1));
    let new = Worker::of(store, NEW).await;
    assert_eq!(enter(store, 2).await, Live::first(1));
    (old, new)
}

pub(super) async fn tried(store: &impl Backend) -> Swapped {
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

pub async fn never_swapped_before_what_the_live_one_has_ever_handled<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "s", events(2)).await;
    drain(&store, &old).await;
    let (all, again) = (ResetScope::All, ResetFrom::Beginning);
    store.reset_group(&group(OLD), &all, again).await.unwrap();
    assert_eq!(tried(&store).await, Swapped::Behind);
    let claim = new.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    assert_eq!(tried(&store).await, Swapped::Behind);
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

/// From version 2 back to 1, when that is live.
async fn way_back(store: &impl Backend) -> Swap {
    Swap {
        table: "counts",
        seen: live(store).await,
        from: group(NEW),
        version: 1,
        to: group(OLD),
    }
}

pub async fn held_until_then_nobody_claims<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "before", events(2)).await;
    let claim = old.claim(&store).await;
    assert!(
        store
            .hold(&group(OLD), LEASE, Duration::ZERO)
            .await
            .unwrap()
    );
    append(&store, "s", [event()]).await;
    assert_eq!(new.claim_lanes(&store, 2).await.len(), 2);
    let state = store.group_state(&group(OLD)).await.unwrap();
    assert!(state.is_active(), "{state:?}");
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    assert_eq!(old.try_claim(&store).await, []);
    assert!(store.pending_lanes(&[group(OLD)]).await.unwrap() > 0);
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(old.try_claim(&store).await, []);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    assert_eq!(old.claim_lanes(&store, 2).await.len(), 2);
}

pub async fn a_hold_needs_a_rest_before<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    two(&store).await;
    let hold = async |rest| store.hold(&group(OLD), LEASE, rest).await.unwrap();
    assert!(hold(LEASE).await, "it was never held");
    assert!(!hold(Duration::ZERO).await, "it is held");
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    assert!(!hold(LEASE).await, "it was held a minute ago");
    assert!(hold(Duration::ZERO).await);
    let unknown = store.hold(&group("nobody"), LEASE, Duration::ZERO).await;
    assert!(!unknown.unwrap());
}

pub async fn a_swap_comes_through_while_the_old_one_is_held<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    append(&store, "a", events(2)).await;
    let claim = old.claim(&store).await;
    store
        .hold(&group(OLD), LEASE, Duration::ZERO)
        .await
        .unwrap();
    store.ack(ack_all(&claim)).await.unwrap();
    append(&store, "b", events(2)).await;
    assert_eq!(tried(&store).await, Swapped::Behind);
    drain(&store, &new).await;
    assert_eq!(tried(&store).await, Swapped::Done);
}

pub async fn held_lanes_are_busy_for_units<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let held = store.hold(&group("g"), LEASE, Duration::ZERO).await;
    assert!(held.unwrap());
    for _ in 0..2 {
        let refused = store.commit_unit(unit("a", ExpectedSeq::Any)).await;
        assert!(
            matches!(refused, Err(UnitError::Busy { .. })),
            "{refused:?}"
        );
        assert_eq!(read(&store, "a").await, []);
    }
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    store
        .commit_unit(unit("a", ExpectedSeq::Any))
        .await
        .unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
}

pub async fn one_transaction_forgets_the_group_and_the_table<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (old, new) = two(&store).await;
    for version in [1, 2] {
        let ensured = store.ensure_table(&table(version), &group(OLD)).await;
        ensured.unwrap();
    }
    append(&store, "s", [event()]).await;
    drain(&store, &old).await;
    drain(&store, &new).await;
    assert_eq!(tried(&store).await, Swapped::Done);
    assert!(!store.forget(&table(2), &group(NEW)).await.unwrap());
    assert!(store.group_state(&group(NEW)).await.is_ok());
    assert!(store.rows(&table(2), &RowQuery::default()).await.is_ok());

    assert!(store.forget(&table(1), &group(OLD)).await.unwrap());
    let gone = store.group_state(&group(OLD)).await;
    assert!(
        matches!(gone, Err(BackendError::UnknownGroup(_))),
        "{gone:?}"
    );
    assert!(store.rows(&table(1), &RowQuery::default()).await.is_err());
    assert_eq!(live(&store).await, Live::first(2));
    assert!(store.forget(&table(1), &group(OLD)).await.unwrap());
}

pub async fn one_winner_of_a_rollback_and_forgetting<H: Harness>(harness: &H) {
    for _ in 0..harness.sequences() {
        let (store, guard) = harness.fresh().await;
        two(&store).await;
        assert_eq!(tried(&store).await, Swapped::Done);
        let way_back = way_back(&store).await;
        let store = Arc::new(store);
        let other = harness.another(&store, &guard).await;
        let forgets = spawn(async move { other.forget(&table(1), &group(OLD)).await.unwrap() });
        let here = Arc::clone(&store);
        let goes_back = spawn(async move { here.roll_back(&way_back).await });
        let is_forgotten = join(vec![forgets]).await[0];
        let back = join(vec![goes_back]).await.remove(0);
        let is_known = store.group_state(&group(OLD)).await.is_ok();
        let expected = if is_forgotten { 2 } else { 1 };
        assert_eq!(live(&*store).await.version, expected, "{back:?}");
        assert_eq!(is_known, !is_forgotten, "{back:?}");
        assert_eq!(matches!(back, Ok(Swapped::Done)), !is_forgotten, "{back:?}");
    }
}

pub async fn fenced_by_a_swap_are_units_too<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    two(&store).await;
    let mut unit = unit("s", ExpectedSeq::Any);
    unit.settled[0].group = group(OLD);
    assert_eq!(tried(&store).await, Swapped::Done);
    let late = store.commit_unit(unit.clone()).await;
    assert!(matches!(late, Err(UnitError::Busy { .. })), "{late:?}");
    let way_back = way_back(&store).await;
    assert_eq!(store.roll_back(&way_back).await.unwrap(), Swapped::Done);
    store.commit_unit(unit).await.unwrap();
}
