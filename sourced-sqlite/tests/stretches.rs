//! Stretches of the log: what only SQLite can get wrong.

mod common;

use std::collections::BTreeMap;

use sourced::backend::{
    Claim, ClaimRequest, Claims as _, Groups as _, Quarantine as _, ResetFrom, ResetScope, STRETCH,
    Store as _,
};
use sourced::{Position, StreamId};
use sourced_sqlite::{Sqlite, Synchronous};

use common::{ack_all, append, file, group, raw, request};

/// A store whose log has an event in each of so many streams, and a group that takes stretches of it.
#[expect(clippy::unwrap_used, reason = "it fails the test")]
async fn far_behind(
    streams: usize,
) -> (tempfile::TempDir, std::path::PathBuf, Sqlite, ClaimRequest) {
    let (folder, path) = file();
    // Nobody cuts the power here.
    let builder = Sqlite::builder().synchronous(Synchronous::Normal);
    let store = builder.open(&path).await.unwrap();
    store.register_group(&group("all")).await.unwrap();
    let appends = (0..streams).map(|nth| append(&format!("cart-{nth}"), 1));
    store.append(appends.collect()).await.unwrap();
    let mut request = request("all", 100);
    request.stretches.clone_from(&request.groups);
    (folder, path, store, request)
}

#[expect(clippy::unwrap_used, reason = "it fails the test")]
async fn claims(store: &Sqlite, request: &ClaimRequest) -> Vec<Claim> {
    store.claim(request).await.unwrap()
}

#[expect(clippy::unwrap_used, reason = "it fails the test")]
async fn stretch(store: &Sqlite, request: &ClaimRequest) -> Claim {
    let mut claims = claims(store, request).await;
    let claim = claims.pop().unwrap();
    assert!(claims.is_empty() && claim.key.stream.is_log(), "{claim:?}");
    claim
}

/// Acknowledges all there is, and gives how often each message came in lanes, and how often in stretches.
#[expect(clippy::unwrap_used, reason = "it fails the test")]
async fn drain(store: &Sqlite, request: &ClaimRequest) -> BTreeMap<Position, (u32, u32)> {
    let mut came: BTreeMap<Position, (u32, u32)> = BTreeMap::new();
    while store.pending_lanes(&request.groups).await.unwrap() > 0 {
        for claim in claims(store, request).await {
            for next in &claim.deliveries {
                let (in_lanes, in_stretches) = came.entry(next.message.position).or_default();
                let of_its_sort = if claim.key.stream.is_log() {
                    in_stretches
                } else {
                    in_lanes
                };
                *of_its_sort += 1;
            }
            store.ack(ack_all(&claim)).await.unwrap();
        }
    }
    came
}

#[tokio::test]
async fn a_damaged_message_in_a_stretch_parks_its_own_lane_alone() {
    let (_folder, path, store, request) = far_behind(2 * STRETCH).await;
    raw(
        &path,
        "UPDATE sourced_messages SET type = 'test.happened', metadata = 'no json' WHERE position = 300",
    )
    .await;
    // What comes before it is given as it is.
    let before = stretch(&store, &request).await;
    assert_eq!(before.deliveries.len(), 299);
    store.ack(ack_all(&before)).await.unwrap();
    let came = drain(&store, &request).await;
    let after = (301..=2 * STRETCH as u64).map(Position::new);
    assert!(came.keys().copied().eq(after));
    let parked = store.parked(&request.groups[0], None, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].stream.as_str(), "cart-299");
    assert_eq!(parked[0].failure.position.get(), 300);
}

#[tokio::test]
async fn what_is_given_back_comes_in_lanes_and_the_rest_in_stretches_again() {
    let (_folder, _path, store, request) = far_behind(3 * STRETCH).await;
    let first = stretch(&store, &request).await;
    store.release(&first.key).await.unwrap();
    let came = drain(&store, &request).await;
    let is_first = |position: &Position| position.get() <= STRETCH as u64;
    assert_eq!(came.len(), 3 * STRETCH);
    for (position, times) in came {
        let expected = if is_first(&position) { (1, 0) } else { (0, 1) };
        assert_eq!(times, expected, "{position}");
    }
}

#[tokio::test]
async fn a_group_that_is_reset_is_given_stretches_and_keeps_what_waits_below() {
    let (_folder, _path, store, request) = far_behind(3 * STRETCH).await;
    let first = stretch(&store, &request).await;
    store.release(&first.key).await.unwrap();
    let lanes = claims(&store, &request).await;
    let held: Vec<&StreamId> = lanes.iter().map(|claim| &claim.key.stream).collect();
    assert!(held.len() == 100 && !held.iter().any(|stream| stream.is_log()));
    for claim in lanes.iter().skip(10) {
        store.ack(ack_all(claim)).await.unwrap();
    }
    let mut other = request.clone();
    other.lanes = STRETCH;
    for claim in claims(&store, &other).await {
        store.ack(ack_all(&claim)).await.unwrap();
    }
    // Nothing but ten lanes is left of the first stretch, and these are taken back.
    let from = ResetFrom::After(Position::new(500));
    let name = &request.groups[0];
    store
        .reset_group(name, &ResetScope::All, from)
        .await
        .unwrap();
    assert!(store.ack(ack_all(&lanes[0])).await.unwrap_err().is_fenced());
    assert_eq!(store.groups().await.unwrap()[0].sorted_upto.get(), 500);
    let came = drain(&store, &request).await;
    let below = lanes[..10]
        .iter()
        .map(|claim| claim.deliveries[0].message.position);
    let below: Vec<Position> = below.collect();
    for (position, times) in &came {
        let is_end = position.get() > 500 + 2 * STRETCH as u64;
        let in_lane = is_end || below.contains(position);
        assert_eq!(*times, if in_lane { (1, 0) } else { (0, 1) }, "{position}");
    }
    assert_eq!(came.len(), 10 + 3 * STRETCH - 500);
}
