//! Groups that are stopped, started again and removed.

use sourced::backend::{BackendError, FailedMessage, GroupState, ResetFrom, ResetScope, Verdict};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn a_stopped_group_gives_no_lanes<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let other = Worker::of(&store, "h").await;
    append(&store, "a", [event()]).await;
    let other_process = harness.another(&store, &guard).await;
    store
        .stop_group(&group("g"), "the mail server moves")
        .await
        .unwrap();
    for store in [&store, &other_process] {
        assert_eq!(worker.try_claim(store).await, []);
        let state = store.group_state(&group("g")).await.unwrap();
        assert!(
            matches!(&state, GroupState::Stopped { reason, .. } if reason == "the mail server moves"),
            "{state:?}"
        );
    }
    let claim = other.claim(&store).await;
    store.ack(ack_all(&claim)).await.unwrap();
    let both = [group("g"), group("h")];
    assert_eq!(store.pending_lanes(&both).await.unwrap(), 0);
}

pub async fn registering_it_does_not_start_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", [event(), other()]).await;
    store.stop_group(&group("g"), "why not").await.unwrap();
    Worker::of(&store, "g").await;
    assert_eq!(worker.try_claim(&store).await, []);
    register(&store, "g", &[HAPPENED, OTHER]).await;
    let (name, from) = (group("g"), ResetFrom::Beginning);
    store
        .reset_group(&name, &ResetScope::All, from)
        .await
        .unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    assert!(!store.group_state(&group("g")).await.unwrap().is_active());
}

pub async fn it_goes_on_where_it_was<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    append(&store, "b", events(1)).await;
    let running = worker.clone().lanes(1).claim(&store).await;
    store.stop_group(&group("g"), "why not").await.unwrap();
    // What runs may finish.
    store.ack(ack_upto(&running, 1)).await.unwrap();
    assert_eq!(worker.try_claim(&store).await, []);
    store.start_group(&group("g")).await.unwrap();
    assert_eq!(
        store.group_state(&group("g")).await.unwrap(),
        GroupState::Active
    );
    let claims = worker.claim_lanes(&store, 2).await;
    let left: usize = claims.iter().map(|claim| claim.deliveries.len()).sum();
    assert_eq!(left, 2);
}

pub async fn a_failure_can_stop_the_group<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "a", events(2)).await;
    append(&store, "b", events(1)).await;
    let claim = worker.clone().lanes(1).claim(&store).await;
    let verdict = Verdict::StopGroup;
    store.fail(&claim.key, verdict, "no table").await.unwrap();
    let state = store.group_state(&group("g")).await.unwrap();
    let failed_at = |state: &GroupState| match state {
        GroupState::Failed {
            error,
            message: Some(message),
            ..
        } => Some((error.clone(), message.clone())),
        _ => None,
    };
    let first = &claim.deliveries[0].message;
    let message = FailedMessage {
        position: first.position,
        type_name: first.type_name.clone(),
    };
    let expected = Some(("no table".to_owned(), message));
    assert_eq!(failed_at(&state), expected);
    let listed = store.groups().await.unwrap().remove(0);
    assert_eq!(failed_at(&listed.state), expected);
    assert_eq!(worker.try_claim(&store).await, []);
    let fenced = store.fail(&claim.key, verdict, "late").await;
    assert!(fenced.is_err());
    store.start_group(&group("g")).await.unwrap();
    assert!(store.fail(&claim.key, verdict, "late").await.is_err());
    assert!(store.group_state(&group("g")).await.unwrap().is_active());
    let claims = worker.claim_lanes(&store, 2).await;
    let of_failed = claims
        .iter()
        .find(|next| next.key.stream == claim.key.stream);
    assert_eq!(of_failed.unwrap().attempts, 1);
}

pub async fn a_removed_group_is_unknown_and_its_claims_are_lost<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let messages = events(3);
    append(&store, "a", messages.clone()).await;
    let claim = worker.claim(&store).await;
    store.ack(ack_upto(&claim, 1)).await.unwrap();
    let running = worker.claim(&store).await;
    store.remove_group(&group("g")).await.unwrap();
    is_unknown(&store.claim(&worker.request).await);
    is_unknown(&store.group_state(&group("g")).await);
    assert!(store.ack(ack_all(&running)).await.unwrap_err().is_fenced());

    // The name is free, and what takes it shares nothing with the one before.
    Worker::of(&store, "g").await;
    let first = worker.claim(&store).await;
    assert_eq!(delivered(&first), ids_of(&messages));
    assert!(first.deliveries.iter().all(|next| !next.replaying));
    store.release(&first.key).await.unwrap();
    let _second = worker.claim(&store).await;
    assert!(store.ack(ack_all(&claim)).await.unwrap_err().is_fenced());
    assert!(store.ack(ack_all(&running)).await.unwrap_err().is_fenced());
}

pub async fn an_unknown_group_cannot_be_stopped_started_or_removed<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let nobody = group("nobody");
    is_unknown(&store.stop_group(&nobody, "why not").await);
    is_unknown(&store.start_group(&nobody).await);
    is_unknown(&store.remove_group(&nobody).await);
    is_unknown(&store.group_state(&nobody).await);
}

fn is_unknown<T: std::fmt::Debug>(result: &Result<T, BackendError>) {
    assert!(
        matches!(result, Err(BackendError::UnknownGroup(_))),
        "{result:?}"
    );
}
