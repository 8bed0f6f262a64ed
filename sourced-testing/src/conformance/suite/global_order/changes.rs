//! Global order: resets, where a group starts, and what may change about it.

use std::collections::BTreeMap;

use sourced::backend::{Group, GroupOrder, OrderError, ResetFrom, ResetScope, StartFrom};
use sourced::{Position, StreamId, Timestamp};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::{marks, mixed, refusal, register_log, reset, worker_of_log};

pub async fn replay_is_marked_after_a_reset<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    mixed(&store).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 3)).await.unwrap();
    let claim = worker.claim(&store).await;
    reset(&store, ResetFrom::Beginning).await.unwrap();
    let error = store.ack(ack_all(&claim)).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    assert!(store.groups().await.unwrap()[0].is_replaying);
    let replayed = marks(&store, &worker).await;
    let replayed: Vec<bool> = replayed.into_iter().map(|(_, is)| is).collect();
    assert_eq!(replayed, [true, true, true, false, false]);
    assert!(!store.groups().await.unwrap()[0].is_replaying);
    is_quiet(&store, &worker).await;
}

pub async fn a_reset_begins_at_a_position_or_a_time_and_is_of_all_streams<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let mut places = Vec::new();
    for (name, time) in [("a", 10), ("b", 20), ("a", 30)] {
        let mut event = event();
        event.created_at = Timestamp::from_micros(time);
        places.push(append(&store, name, [event]).await[0].position);
    }
    drain(&store, &worker).await;
    let since = |time| ResetFrom::Since(Timestamp::from_micros(time));
    for (from, n) in [
        (ResetFrom::After(places[0]), 2),
        (ResetFrom::After(places[1]), 1),
        (since(20), 2),
        (since(31), 0),
        (ResetFrom::After(Position::new(1 << 40)), 0),
    ] {
        reset(&store, from).await.unwrap();
        let expected: Vec<_> = places[3 - n..].iter().map(|place| (*place, true)).collect();
        assert_eq!(marks(&store, &worker).await, expected, "{from:?}");
    }
    let g = group("g");
    let (one, beginning) = (ResetScope::Stream(stream("a")), ResetFrom::Beginning);
    let refused = store.reset_group(&g, &one, beginning).await.unwrap_err();
    assert!(matches!(refusal(&refused), OrderError::NoSuchLane { .. }));
    is_quiet(&store, &worker).await;
    let all = ResetScope::Stream(StreamId::log());
    store.reset_group(&g, &all, beginning).await.unwrap();
    assert_eq!(marks(&store, &worker).await.len(), 3);
}

pub async fn it_can_start_now_or_at_a_position_or_a_time<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut places = Vec::new();
    for (name, time) in [("a", 10), ("b", 20), ("a", 30)] {
        let mut event = event();
        event.created_at = Timestamp::from_micros(time);
        places.push(append(&store, name, [event]).await[0].position);
    }
    let since = |time| StartFrom::Since(Timestamp::from_micros(time));
    for (name, start, n) in [
        ("beginning", StartFrom::Beginning, 3),
        ("after", StartFrom::After(places[0]), 2),
        ("since", since(20), 2),
        ("never", since(31), 0),
        ("now", StartFrom::Now, 0),
    ] {
        register_log(&store, name, &[HAPPENED], start)
            .await
            .unwrap();
        let worker = Worker::new(&[name]);
        let expected: Vec<_> = places[3 - n..]
            .iter()
            .map(|place| (*place, false))
            .collect();
        assert_eq!(marks(&store, &worker).await, expected, "{name}");
        // Nothing from before its start comes in a replay.
        let (id, all) = (group(name), ResetScope::All);
        let again = store.reset_group(&id, &all, ResetFrom::Beginning).await;
        again.unwrap();
        assert_eq!(marks(&store, &worker).await.len(), n, "{name}");
    }
    let later = append(&store, "c", [event()]).await[0].position;
    for name in ["beginning", "after", "since", "never", "now"] {
        let worker = Worker::new(&[name]);
        assert_eq!(marks(&store, &worker).await, [(later, false)], "{name}");
    }
}

pub async fn its_types_change_only_while_the_order_holds<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    let types = async |types: &[&str]| {
        let changed = register_log(&store, "g", types, StartFrom::Beginning).await;
        changed.map_err(|error| refusal(&error).clone())
    };
    append(&store, "a", [event(), other(), event()]).await;
    // Nothing is acknowledged yet.
    types(&[OTHER]).await.unwrap();
    types(&[HAPPENED]).await.unwrap();
    let claim = worker.claim(&store).await;
    assert_eq!(claim.deliveries.len(), 2);
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let claim = worker.claim(&store).await;
    // All of the new ones lie ahead: they come in order, and the claim, which passes one, is lost.
    types(&[HAPPENED, OTHER, WISHED]).await.unwrap();
    assert!(store.ack(ack_all(&claim)).await.unwrap_err().is_fenced());
    let seqs_ahead: Vec<u64> = {
        let claim = worker.claim(&store).await;
        store.ack(ack_all(&claim)).await.unwrap();
        claim
            .deliveries
            .iter()
            .map(|next| next.message.seq.get())
            .collect()
    };
    assert_eq!(seqs_ahead, [2, 3]);
    let refused = types(&[HAPPENED, OTHER]).await.unwrap_err();
    assert!(matches!(refused, OrderError::GivenUp { .. }), "{refused}");
    append(
        &store,
        "b",
        [message(sourced::Kind::Event, "test.more", "{}"), event()],
    )
    .await;
    drain(&store, &worker).await;
    let more = [HAPPENED, OTHER, WISHED, "test.more"];
    let refused = types(&more).await.unwrap_err();
    assert!(matches!(refused, OrderError::Passed { .. }), "{refused}");
    is_quiet(&store, &worker).await;
    types(&[WISHED, OTHER, HAPPENED]).await.unwrap();
}

pub async fn replay_is_marked_by_type_when_they_have_changed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = worker_of_log(&store, "g").await;
    append(&store, "a", [event(), other(), event(), other()]).await;
    drain(&store, &worker).await;
    let replayed = async |types: &[&str]| {
        reset(&store, ResetFrom::Beginning).await.unwrap();
        let changed = register_log(&store, "g", types, StartFrom::Beginning).await;
        changed.unwrap();
        let found = marks(&store, &worker).await;
        let found = found.into_iter().map(|(position, is)| (position.get(), is));
        found.collect::<BTreeMap<_, _>>()
    };
    let first = log(&store).await[0].position.get();
    let all = |marks: [bool; 4]| (first..).zip(marks).collect::<BTreeMap<_, _>>();
    assert_eq!(
        replayed(&[HAPPENED, OTHER]).await,
        all([true, false, true, false])
    );
    assert_eq!(replayed(&[HAPPENED, OTHER]).await, all([true; 4]));
    let others = BTreeMap::from([(first + 1, true), (first + 3, true)]);
    assert_eq!(replayed(&[OTHER]).await, others);
    append(&store, "a", [event()]).await;
    let mut with_the_last = all([true; 4]);
    with_the_last.insert(log(&store).await[4].position.get(), false);
    assert_eq!(replayed(&[HAPPENED, OTHER]).await, with_the_last);
}

pub async fn its_order_cannot_change<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    worker_of_log(&store, "global").await;
    Worker::of(&store, "streams").await;
    let group_in = |name, order| Group {
        id: group(name),
        types: vec![type_name(HAPPENED)],
        start_from: StartFrom::Beginning,
        order,
    };
    for (name, order) in [
        ("global", GroupOrder::PerStream),
        ("streams", GroupOrder::Global),
    ] {
        let refused = store.register_group(&group_in(name, order)).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refusal(&refused), OrderError::Other { .. }));
        // A group that was removed is another one.
        store.remove_group(&group(name)).await.unwrap();
        store.register_group(&group_in(name, order)).await.unwrap();
    }
    mixed(&store).await;
    let worker = Worker::new(&["streams"]);
    assert_eq!(worker.claim(&store).await.key.stream, StreamId::log());
    Worker::new(&["global"]).claim_lanes(&store, 3).await;
}
