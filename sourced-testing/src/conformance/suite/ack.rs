//! Acknowledging: what it stores, what it gives back.

use sourced::backend::{AckError, AppendError, Refusal};
use sourced::{ExpectedSeq, MessageId, Position};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn appends_and_reports_the_places<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [command()]).await;
    let claim = worker.claim(&store).await;
    let (in_a, in_b) = (events(2), events(1));
    let mut ack = ack_all(&claim);
    ack.appends = vec![
        to("b", ExpectedSeq::NoStream, in_b.clone()),
        to("a", ExpectedSeq::Exactly(seq(1)), in_a.clone()),
    ];
    let appended = store.ack(ack).await.unwrap();
    let found: Vec<_> = appended
        .iter()
        .map(|place| (place.id, place.seq.get()))
        .collect();
    assert_eq!(found, [(in_b[0].id, 1), (in_a[0].id, 2), (in_a[1].id, 3)]);
    for place in appended {
        assert!(!place.already_stored);
        let stored = store.find(place.id).await.unwrap().unwrap();
        assert_eq!((stored.seq, stored.position), (place.seq, place.position));
    }
}

pub async fn what_it_appends_becomes_work<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [command()]).await;
    let claim = worker.claim(&store).await;
    let (in_a, in_b) = (events(1), events(1));
    let mut ack = ack_all(&claim);
    ack.appends = vec![
        to("a", ExpectedSeq::Any, in_a.clone()),
        to("b", ExpectedSeq::Any, in_b.clone()),
    ];
    store.ack(ack).await.unwrap();
    let claims = worker.claim_lanes(&store, 2).await;
    assert_eq!(streams_of(&claims), ["a", "b"]);
    assert_eq!(delivered(&claims[0]), ids_of(&in_a));
    assert_eq!(delivered(&claims[1]), ids_of(&in_b));
}

pub async fn what_was_appended_before_is_recognised<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [command()]).await;
    let claim = worker.claim(&store).await;
    let known = to("b", ExpectedSeq::NoStream, events(2));
    let mut first = store.append(vec![known.clone()]).await.unwrap();
    let mut ack = ack_all(&claim);
    ack.appends = vec![known];
    for place in &mut first {
        place.already_stored = true;
    }
    assert_eq!(store.ack(ack).await.unwrap(), first);
    assert_eq!(seqs(&read(&store, "b").await), [1, 2]);
}

pub async fn a_conflict_is_told_and_keeps_the_claim<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [command()]).await;
    let claim = worker.claim(&store).await;
    append(&store, "a", [event()]).await;
    let mut ack = ack_all(&claim);
    ack.appends = vec![to("a", ExpectedSeq::NoEventAfter(None), [event()])];
    let error = store.ack(ack.clone()).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    let AckError::Append(AppendError::Conflict { actual, .. }) = error else {
        panic!("no details: {error:?}");
    };
    assert_eq!(actual, Some(seq(2)));
    assert_eq!(worker.colleague().try_claim(&store).await, []);

    ack.appends[0].expected = ExpectedSeq::NoEventAfter(Some(seq(2)));
    assert_eq!(store.ack(ack).await.unwrap()[0].seq, seq(3));
}

pub async fn a_part_of_a_claim_can_be_acknowledged<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(4);
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    assert_eq!(claim.deliveries.len(), 4);
    store.ack(ack_upto(&claim, 3)).await.unwrap();
    let rest = worker.claim(&store).await;
    assert_eq!(delivered(&rest), [messages[3].id]);
    assert!(!rest.deliveries[0].replaying);
    assert!(rest.key.epoch > claim.key.epoch);
}

pub async fn moves_the_lane_forward<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let places = append(&store, "a", events(2)).await;
    let claim = worker.claim(&store).await;
    let lane = store.lane(&group("g"), &stream("a")).await.unwrap();
    assert_eq!(lane.unwrap().acked, Position::START);
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let lane = store.lane(&group("g"), &stream("a")).await.unwrap();
    assert_eq!(lane.unwrap().acked, places[0].position);
    let claim = worker.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    let lane = store
        .lane(&group("g"), &stream("a"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lane.acked, places[1].position);
    assert!(!lane.parked);
    assert_eq!((lane.attempts, lane.last_error()), (0, None));
    let nowhere = store.lane(&group("g"), &stream("nowhere")).await.unwrap();
    assert_eq!(nowhere, None);
}

pub async fn records_refusals<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let commands = vec![command(), command(), command()];
    append(&store, "a", commands.clone()).await;
    let claim = worker.claim(&store).await;
    let refusals = [(0, "no such cart 🛒"), (2, "")].map(|(n, reason)| Refusal {
        command: commands[n].id,
        reason: reason.to_owned(),
    });
    let mut ack = ack_all(&claim);
    ack.refusals = refusals.to_vec();
    store.ack(ack).await.unwrap();
    let ids: Vec<_> = commands.iter().map(|command| command.id).collect();
    let mut found = store.refusals(&ids).await.unwrap();
    found.sort_by_key(|refusal| refusal.command != commands[0].id);
    assert_eq!(found, refusals, "all of them at once");
    for refusal in refusals {
        let found = store.refusal(refusal.command).await.unwrap();
        assert_eq!(found, Some(refusal), "each by itself");
    }
    assert!(store.refusals(&[]).await.unwrap().is_empty());
    assert_eq!(store.refusal(commands[1].id).await.unwrap(), None);
    let nobody = MessageId::from_uuid(uuid());
    assert_eq!(store.refusal(nobody).await.unwrap(), None);
}
