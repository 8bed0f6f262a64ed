//! Appending: several streams at once, the places it reports, what it stores.

use sourced::{ExpectedSeq, GroupId, Metadata, Position};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn reports_places_in_the_order_given<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "b", [event()]).await;
    let (in_b, in_a) = (vec![event(), command()], vec![event(), event()]);
    let ids = [ids_of(&in_b), ids_of(&in_a)].concat();
    let appends = vec![
        to("b", ExpectedSeq::Exactly(seq(1)), in_b),
        to("a", ExpectedSeq::NoStream, in_a),
    ];
    let appended = store.append(appends).await.unwrap();
    let found: Vec<_> = appended
        .iter()
        .map(|place| (place.id, place.seq.get()))
        .collect();
    let expected: Vec<_> = ids.into_iter().zip([2, 3, 1, 2]).collect();
    assert_eq!(found, expected);
    assert!(appended.iter().all(|place| !place.already_stored));
    for place in appended {
        let stored = store.find(place.id).await.unwrap().unwrap();
        assert_eq!((stored.seq, stored.position), (place.seq, place.position));
    }
}

pub async fn is_all_or_nothing_over_several_streams<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "b", [event()]).await;
    let end = store.log_end().await.unwrap();
    let first = event();
    let appends = vec![
        to("a", ExpectedSeq::Any, [first.clone()]),
        to("b", ExpectedSeq::NoStream, [event()]),
        to("c", ExpectedSeq::Any, [event()]),
    ];
    let error = store.append(appends).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    assert_eq!(read(&store, "a").await, []);
    assert_eq!(seqs(&read(&store, "b").await), [1]);
    assert_eq!(read(&store, "c").await, []);
    assert_eq!(store.find(first.id).await.unwrap(), None);
    assert_eq!(store.log_end().await.unwrap(), end);
    assert_eq!(append(&store, "a", [first]).await[0].seq, seq(1));
}

pub async fn accepts_no_messages<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    assert_eq!(store.append(vec![]).await.unwrap(), []);
    let empty = to("a", ExpectedSeq::Any, []);
    assert_eq!(store.append(vec![empty]).await.unwrap(), []);
    assert_eq!(store.log_end().await.unwrap(), Position::START);
    let first = to("a", ExpectedSeq::NoStream, [event()]);
    assert_eq!(store.append(vec![first]).await.unwrap()[0].seq, seq(1));
}

pub async fn refuses_a_stream_that_is_named_twice<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let appends = vec![
        to("a", ExpectedSeq::Any, [event()]),
        to("a", ExpectedSeq::Any, [event()]),
    ];
    assert!(store.append(appends).await.is_err());
    assert_eq!(read(&store, "a").await, []);
    assert_eq!(store.log_end().await.unwrap(), Position::START);
}

pub async fn positions_grow_with_the_seqs_of_a_stream<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for name in ["a", "b", "a", "b", "a"] {
        append(&store, name, events(3)).await;
    }
    for name in ["a", "b"] {
        let messages = read(&store, name).await;
        assert!(messages.is_sorted_by(|one, next| one.position < next.position));
        assert!(messages.is_sorted_by(|one, next| one.seq < next.seq));
    }
}

pub async fn keeps_the_whole_envelope<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut root = command();
    root.metadata = Metadata::new().with("user", "Zoë 🛒").with("request", 12);
    append(&store, "a", [root.clone()]).await;
    let cause = store.find(root.id).await.unwrap().unwrap();
    assert!(cause.is_root());

    let mut caused = event().caused_by(&cause);
    caused.decided_by = Some(GroupId::new("deciders").unwrap());
    let place = append(&store, "b", [caused.clone()]).await.remove(0);
    let found = store.find(caused.id).await.unwrap().unwrap();
    assert_eq!(found.id, caused.id);
    assert_eq!(found.stream_id.as_str(), "b");
    assert_eq!(found.seq, place.seq);
    assert_eq!(found.position, place.position);
    assert_eq!(found.type_name, caused.type_name);
    assert_eq!(found.kind, caused.kind);
    assert_eq!(found.created_at, caused.created_at);
    assert_eq!(found.causation_id, root.id);
    assert_eq!(found.correlation_id, root.correlation_id);
    assert_eq!(found.metadata, root.metadata);
    assert_eq!(found.decided_by, caused.decided_by);
    assert_eq!(found.payload, caused.payload);
    assert_eq!(read(&store, "b").await, [found]);
}
