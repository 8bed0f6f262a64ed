//! Groups: where they start, and what registering them again does.

use sourced::GroupId;
use sourced::backend::StartFrom;
use sourced::message::TypeName;

use super::super::Harness;
use super::super::fixtures::*;

pub async fn one_from_the_beginning_gets_everything<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    append(&store, "b", [event()]).await;
    register_from(&store, "g", &[HAPPENED], StartFrom::Beginning).await;
    let claims = Worker::new(&["g"]).claim_lanes(&store, 2).await;
    assert_eq!(streams_of(&claims), ["a", "b"]);
    assert_eq!(claims[0].deliveries.len(), 2);
}

pub async fn one_from_now_gets_what_comes_after<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    append(&store, "b", [event()]).await;
    register_from(&store, "g", &[HAPPENED], StartFrom::Now).await;
    let later = event();
    append(&store, "a", [later.clone()]).await;
    let claim = Worker::new(&["g"]).claim(&store).await;
    assert_eq!(delivered(&claim), [later.id]);
    assert!(!claim.deliveries[0].replaying);
}

pub async fn now_is_the_beginning_of_an_empty_log<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register_from(&store, "g", &[HAPPENED], StartFrom::Now).await;
    let messages = events(2);
    append(&store, "a", messages.clone()).await;
    let claim = Worker::new(&["g"]).claim(&store).await;
    assert_eq!(delivered(&claim), ids_of(&messages));
}

pub async fn registering_again_changes_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let held = worker.claim(&store).await;
    let again = Worker::of(&store, "g").await;
    assert_eq!(again.try_claim(&store).await, []);
    store.ack(ack_all(&held)).await.unwrap();
    assert_eq!(again.try_claim(&store).await, []);
}

pub async fn the_start_counts_only_when_the_group_is_new<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    register_from(&store, "late", &[HAPPENED], StartFrom::Now).await;
    register_from(&store, "late", &[HAPPENED], StartFrom::Beginning).await;
    register_from(&store, "early", &[HAPPENED], StartFrom::Beginning).await;
    register_from(&store, "early", &[HAPPENED], StartFrom::Now).await;
    append(&store, "b", [event()]).await;
    let claims = Worker::new(&["late"]).claim_lanes(&store, 1).await;
    assert_eq!(streams_of(&claims), ["b"]);
    let claims = Worker::new(&["early"]).claim_lanes(&store, 2).await;
    assert_eq!(streams_of(&claims), ["a", "b"]);
}

pub async fn one_without_types_gets_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    register(&store, "g", &[]).await;
    append(&store, "a", [event(), command()]).await;
    assert!(store.log_end().await.unwrap().get() > 0);
    assert_eq!(Worker::new(&["g"]).try_claim(&store).await, []);
}

pub async fn one_can_start_after_a_position<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let places = append(&store, "a", events(3)).await;
    let start = StartFrom::After(places[1].position);
    register_from(&store, "g", &[HAPPENED], start).await;
    let worker = Worker::new(&["g"]);
    assert_eq!(delivered(&worker.claim(&store).await), [places[2].id]);
}

pub async fn one_can_start_at_a_time<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut messages = events(3);
    for (message, time) in messages.iter_mut().zip([10, 20, 30]) {
        message.created_at = sourced::Timestamp::from_micros(time);
    }
    append(&store, "a", messages.clone()).await;
    for (name, time, first) in [("g", 9, 0), ("h", 20, 1), ("i", 21, 2), ("j", 31, 3)] {
        let start = StartFrom::Since(sourced::Timestamp::from_micros(time));
        register_from(&store, name, &[HAPPENED], start).await;
        let claims = Worker::new(&[name]).try_claim(&store).await;
        let found = claims.iter().flat_map(delivered);
        assert_eq!(found.collect::<Vec<_>>(), ids_of(&messages[first..]));
    }
}

pub async fn types_that_were_known_are_told_when_they_are_lost<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let names = |names: &[&str]| -> Vec<TypeName> {
        names
            .iter()
            .map(|name| TypeName::new(name).unwrap())
            .collect()
    };
    let know = async |group: &str, types: &[&str]| {
        let group = GroupId::new(group).unwrap();
        let known = store.know_types(&group, &names(types)).await.unwrap();
        (known.is_new, known.lost)
    };
    assert_eq!(know("g", &["a.b", "a.a"]).await, (true, vec![]));
    assert_eq!(know("other", &["a.z"]).await, (true, vec![]));
    assert_eq!(know("g", &["a.c"]).await, (false, names(&["a.a", "a.b"])));
    assert_eq!(know("g", &["a.a", "a.b"]).await, (false, names(&["a.c"])));
    assert_eq!(know("g", &["a.c", "a.a", "a.b"]).await, (false, vec![]));
    // What it handles is another matter.
    append(&store, "s", [event()]).await;
    assert_eq!(worker.claim(&store).await.deliveries.len(), 1);

    store
        .remove_group(&GroupId::new("g").unwrap())
        .await
        .unwrap();
    assert_eq!(know("g", &["a.c"]).await, (true, vec![]));
    assert_eq!(know("other", &[]).await, (false, names(&["a.z"])));
}
