//! Going on with what an acknowledgement has appended to its own stream: a claim like any other, if nothing else waits.
//! A backend may leave it to the next claim, so each check takes what is left there, too.

use sourced::ExpectedSeq;
use sourced::backend::{
    Ack, Acked, Backend, Claim, GoOn, ResetFrom, ResetScope, StreamAppend, Verdict,
};

use super::super::Harness;
use super::super::fixtures::*;

const NEXT: GoOn = GoOn {
    messages: 100,
    bytes: usize::MAX,
    lease: LEASE,
};

pub async fn what_was_appended_is_delivered_as_it_is_stored<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let mut follow_up = message(sourced::Kind::Event, HAPPENED, r#"{"n": 1}"#);
    follow_up = follow_up.caused_by(&claim.deliveries[0].message);
    let acked = go_on(&store, &claim, vec![other(), follow_up, command()]).await;
    let stored = read(&store, "a").await;
    let places: Vec<_> = stored.iter().map(|m| (m.seq, m.position)).collect();
    let appended: Vec<_> = acked.appended.iter().map(|m| (m.seq, m.position)).collect();
    assert_eq!(appended, places[1..]);
    let next = next_of(&store, &worker, acked).await;
    let messages: Vec<_> = next.deliveries.iter().map(|next| &next.message).collect();
    assert_eq!(messages, [&stored[2], &stored[3]], "without the other type");
    assert!(next.deliveries.iter().all(|next| !next.replaying));
    assert_eq!(
        (&next.key.group, &next.key.stream),
        (&group("g"), &stream("a"))
    );
    assert!(next.key.epoch > claim.key.epoch);
    assert_eq!(next.attempts, 0);
    store.ack(ack_all(&next)).await.unwrap();
    is_quiet(&store, &worker).await;
    let lane = store.lane(&group("g"), &stream("a")).await.unwrap();
    assert_eq!(lane.unwrap().acked, stored[3].position);
}

pub async fn a_chain_is_delivered_once_and_in_order<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, mut claim) = claimed(&store, "a", [command()]).await;
    let mut seen = delivered(&claim);
    for _ in 0..20 {
        let acked = go_on(&store, &claim, vec![event(), event()]).await;
        claim = next_of(&store, &worker, acked).await;
        seen.extend(delivered(&claim));
        // Whoever looks meanwhile finds nothing, though the log has gone on.
        assert_eq!(worker.colleague().try_claim(&store).await, []);
    }
    store.ack(ack_all(&claim)).await.unwrap();
    assert_eq!(seen, stored_ids(&read(&store, "a").await));
    is_quiet(&store, &worker).await;
}

pub async fn the_claim_before_it_is_fenced<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let acked = go_on(&store, &claim, vec![event()]).await;
    let next = next_of(&store, &worker, acked).await;
    let error = store.ack(ack_all(&claim)).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    assert!(store.release(&claim.key).await.is_err());
    let keys = [claim.key, next.key.clone()];
    let lost = store.renew(&keys, LEASE).await.unwrap();
    assert_eq!(lost, keys[..1]);
    store.ack(ack_all(&next)).await.unwrap();
}

pub async fn it_can_be_released_and_fail<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let acked = go_on(&store, &claim, events(2)).await;
    let next = next_of(&store, &worker, acked).await;
    store.release(&next.key).await.unwrap();
    let again = worker.claim(&store).await;
    assert_eq!(delivered(&again), delivered(&next));
    let verdict = Verdict::RetryAfter(LEASE);
    store.fail(&again.key, verdict, "no").await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let again = worker.claim(&store).await;
    assert_eq!((delivered(&again), again.attempts), (delivered(&next), 1));
    store.ack(ack_all(&again)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn it_is_taken_over_when_its_lease_has_ended<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let acked = go_on(&store, &claim, vec![event()]).await;
    let next = next_of(&store, &worker, acked).await;
    harness.advance(&store, &guard, BEFORE_ITS_END).await;
    assert_eq!(worker.colleague().try_claim(&store).await, []);
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.colleague().claim(&store).await;
    assert_eq!(delivered(&taken), delivered(&next));
    let error = store.ack_and_go_on(ack_all(&next), NEXT).await.unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    store.ack(ack_all(&taken)).await.unwrap();
}

pub async fn nothing_stored_when_the_lease_was_lost<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    harness.advance(&store, &guard, AFTER_ITS_END).await;
    let taken = worker.colleague().claim(&store).await;
    let error = store
        .ack_and_go_on(appending(&claim, vec![event()]), NEXT)
        .await
        .unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    assert_eq!(read(&store, "a").await.len(), 1);
    store.ack(ack_all(&taken)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn what_another_writer_put_between_comes_first<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let between = command();
    append(&store, "a", [between.clone()]).await;
    let own = event();
    let acked = go_on(&store, &claim, vec![own.clone()]).await;
    assert_eq!(acked.next, None, "another message waits before it");
    let next = worker.claim(&store).await;
    assert_eq!(delivered(&next), [between.id, own.id]);
    store.ack(ack_all(&next)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn what_was_left_of_the_claim_comes_first<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let both = [command(), command()];
    let (worker, claim) = claimed(&store, "a", both.clone()).await;
    let own = event();
    let mut ack = ack_upto(&claim, 1);
    ack.appends = vec![any("a", vec![own.clone()])];
    let acked = store.ack_and_go_on(ack, NEXT).await.unwrap();
    assert_eq!(acked.next, None);
    let next = worker.claim(&store).await;
    assert_eq!(delivered(&next), [both[1].id, own.id]);
}

pub async fn what_is_owed_comes_first<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let messages = vec![other(), other(), event()];
    append(&store, "a", messages.clone()).await;
    let worker = Worker::of(&store, "g").await;
    store
        .ack(ack_all(&worker.claim(&store).await))
        .await
        .unwrap();
    register(&store, "g", &[HAPPENED, WISHED, OTHER]).await;
    let claim = worker.clone().messages_per_lane(1).claim(&store).await;
    assert_eq!(delivered(&claim), [messages[0].id]);
    let own = event();
    let acked = go_on(&store, &claim, vec![own.clone()]).await;
    assert_eq!(acked.next, None);
    let next = worker.claim(&store).await;
    assert_eq!(delivered(&next), [messages[1].id, own.id]);
    store.ack(ack_all(&next)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn what_the_group_does_not_handle_is_not_claimed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let mut decided = command();
    decided.decided_by = Some(group("g"));
    let acked = go_on(&store, &claim, vec![other(), decided]).await;
    assert_eq!(acked.next, None);
    is_quiet(&store, &worker).await;
    // Nor what goes to another stream.
    let (worker, claim) = claimed(&store, "b", [command()]).await;
    let mut ack = ack_all(&claim);
    ack.appends = vec![any("c", vec![event()])];
    let acked = store.ack_and_go_on(ack, NEXT).await.unwrap();
    assert_eq!(acked.next, None);
    assert_eq!(worker.claim(&store).await.key.stream, stream("c"));
}

pub async fn at_most_so_many_are_claimed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let worker = worker.messages_per_lane(2);
    let own = events(3);
    let few = GoOn {
        messages: 2,
        ..NEXT
    };
    let acked = store
        .ack_and_go_on(appending(&claim, own.clone()), few)
        .await
        .unwrap();
    let next = next_of(&store, &worker, acked).await;
    assert_eq!(delivered(&next), ids_of(&own[..2]));
    let acked = go_on(&store, &next, vec![event()]).await;
    assert_eq!(acked.next, None, "the third one waits");
    let rest = worker.claim(&store).await;
    assert_eq!(delivered(&rest), [own[2].id, acked.appended[0].id]);
    store.ack(ack_all(&rest)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn claims_that_go_on_are_bounded_in_bytes<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let worker = worker.bytes(250_000);
    let own: Vec<_> = [100_000, 100_000, 100_000].map(event_of).into();
    let few = GoOn {
        bytes: 250_000,
        ..NEXT
    };
    let acked = store
        .ack_and_go_on(appending(&claim, own.clone()), few)
        .await
        .unwrap();
    let next = next_of(&store, &worker, acked).await;
    assert_eq!(delivered(&next), ids_of(&own[..2]));
    store.ack(ack_all(&next)).await.unwrap();
    let rest = worker.claim(&store).await;
    assert_eq!(delivered(&rest), [own[2].id]);
    // One that has no room is given all the same, without those after it.
    let own: Vec<_> = [300_000, 2, 2].map(event_of).into();
    let acked = store
        .ack_and_go_on(appending(&rest, own.clone()), few)
        .await
        .unwrap();
    let next = next_of(&store, &worker, acked).await;
    assert_eq!(delivered(&next), [own[0].id]);
    store.ack(ack_all(&next)).await.unwrap();
    assert_eq!(drain(&store, &worker).await, ids_of(&own[1..]));
    is_quiet(&store, &worker).await;
}

pub async fn a_stopped_group_does_not_go_on<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    store.stop_group(&group("g"), "why not").await.unwrap();
    let acked = go_on(&store, &claim, vec![event()]).await;
    assert_eq!(acked.next, None);
    store.start_group(&group("g")).await.unwrap();
    let next = worker.claim(&store).await;
    assert_eq!(delivered(&next), [acked.appended[0].id]);
}

pub async fn a_change_of_types_takes_it_back<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let own = vec![other(), event(), other(), command()];
    let acked = go_on(&store, &claim, own.clone()).await;
    let next = next_of(&store, &worker, acked).await;
    register(&store, "g", &[OTHER, WISHED]).await;
    let error = store
        .ack_and_go_on(appending(&next, vec![event()]), NEXT)
        .await
        .unwrap_err();
    assert!(error.is_fenced(), "{error:?}");
    let next = worker.claim(&store).await;
    assert_eq!(delivered(&next), [own[0].id, own[2].id, own[3].id]);
    store.ack(ack_all(&next)).await.unwrap();
    is_quiet(&store, &worker).await;
    // What it gave up before it was handled is owed when it comes back.
    register(&store, "g", &[HAPPENED, WISHED]).await;
    let next = worker.claim(&store).await;
    assert_eq!(delivered(&next), [own[1].id]);
    store.ack(ack_all(&next)).await.unwrap();
    is_quiet(&store, &worker).await;
}

pub async fn what_was_handled_before_the_pump_is_not_owed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let acked = go_on(&store, &claim, vec![event()]).await;
    let next = next_of(&store, &worker, acked).await;
    store.ack(ack_all(&next)).await.unwrap();
    register(&store, "g", &[WISHED]).await;
    register(&store, "g", &[HAPPENED, WISHED]).await;
    is_quiet(&store, &worker).await;
}

pub async fn a_reset_takes_it_back<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for (name, scope) in [
        ("a", ResetScope::All),
        ("b", ResetScope::Stream(stream("b"))),
    ] {
        let (worker, claim) = claimed(&store, name, [command()]).await;
        let acked = go_on(&store, &claim, vec![event()]).await;
        let next = next_of(&store, &worker, acked).await;
        store
            .reset_group(&group("g"), &scope, ResetFrom::Beginning)
            .await
            .unwrap();
        let error = store
            .ack_and_go_on(appending(&next, vec![event()]), NEXT)
            .await
            .unwrap_err();
        assert!(error.is_fenced(), "{error:?}");
        let again = worker.claim(&store).await;
        let marks: Vec<bool> = again.deliveries.iter().map(|next| next.replaying).collect();
        assert_eq!(delivered(&again), stored_ids(&read(&store, name).await));
        assert_eq!(marks, [true, false]);
        // While it catches up it may go on, too.
        let acked = go_on(&store, &again, vec![event()]).await;
        let next = next_of(&store, &worker, acked).await;
        assert_eq!(next.deliveries.len(), 1);
        assert!(!next.deliveries[0].replaying);
        store.ack(ack_all(&next)).await.unwrap();
        drain(&store, &worker).await;
        is_quiet(&store, &worker).await;
    }
}

pub async fn other_groups_get_it_too<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let others = Worker::of(&store, "h").await;
    let (worker, claim) = claimed(&store, "a", [command()]).await;
    let acked = go_on(&store, &claim, vec![event()]).await;
    let next = next_of(&store, &worker, acked).await;
    assert_eq!(
        drain(&store, &others).await,
        stored_ids(&read(&store, "a").await)
    );
    store.ack(ack_all(&next)).await.unwrap();
    is_quiet(&store, &worker).await;
}

async fn claimed<B: Backend, const N: usize>(
    store: &B,
    name: &str,
    messages: [sourced::NewMessage; N],
) -> (Worker, Claim) {
    let worker = Worker::of(store, "g").await;
    append(store, name, messages).await;
    let claim = worker.claim(store).await;
    (worker, claim)
}

fn any(name: &str, messages: Vec<sourced::NewMessage>) -> StreamAppend {
    to(name, ExpectedSeq::Any, messages)
}

/// The acknowledgement of all, with messages for its own stream.
fn appending(claim: &Claim, messages: Vec<sourced::NewMessage>) -> Ack {
    let mut ack = ack_all(claim);
    ack.appends = vec![any(claim.key.stream.as_str(), messages)];
    ack
}

async fn go_on(store: &impl Backend, claim: &Claim, messages: Vec<sourced::NewMessage>) -> Acked {
    store
        .ack_and_go_on(appending(claim, messages), NEXT)
        .await
        .unwrap()
}

/// The claim that goes on, or the next one of the worker.
async fn next_of(store: &impl Backend, worker: &Worker, acked: Acked) -> Claim {
    match acked.next {
        Some(next) => next,
        None => worker.claim(store).await,
    }
}
