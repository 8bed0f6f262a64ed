//! *schedule-once*: an id is scheduled or stored once, in one stream.

use std::time::Duration;

use sourced::backend::{AppendError, Backend, Promotion, Scheduled, Scheduling, StreamAppend};
use sourced::{ExpectedSeq, MessageId, NewMessage};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::{HOUR, later, promote, schedule};

pub async fn an_id_is_scheduled_once<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let message = event();
    let first = schedule(&store, [later(now, HOUR, "a", &message)]).await;
    assert_eq!(first, [Scheduling::Done]);
    let other = event();
    let both = [
        later(now, Duration::ZERO, "a", &message),
        later(now, Duration::ZERO, "a", &other),
    ];
    let again = schedule(&store, both).await;
    assert_eq!(again, [Scheduling::AlreadyScheduled, Scheduling::Done]);
    harness.advance(&store, &guard, HOUR / 2).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [other.id]);
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [other.id, message.id]);
}

pub async fn an_id_that_is_stored_is_not_scheduled<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let message = event();
    append(&store, "a", [message.clone()]).await;
    let again = schedule(&store, [later(now, Duration::ZERO, "a", &message)]).await;
    assert_eq!(again, [Scheduling::AlreadyStored]);
    assert_eq!(store.waiting(message.id).await.unwrap(), None);
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote(&store).await, Promotion::default());
    assert_eq!(read(&store, "a").await.len(), 1);
}

pub async fn an_id_appended_meanwhile_is_not_stored_twice<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(2);
    let both = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(&store, both).await;
    append(&store, "a", [messages[1].clone()]).await;
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await, Promotion::new(2, 0, None));
    let expected = [messages[1].id, messages[0].id];
    assert_eq!(stored_ids(&read(&store, "a").await), expected);
}

pub async fn an_id_of_another_stream_or_given_twice_is_refused<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let (stored, scheduled, new) = (event(), event(), event());
    append(&store, "a", [stored.clone()]).await;
    schedule(&store, [later(now, HOUR, "a", &scheduled)]).await;
    let to_b = |message: &NewMessage| later(now, HOUR, "b", message);
    is_taken(
        &store,
        Vec::new(),
        vec![to_b(&new), to_b(&stored)],
        stored.id,
    )
    .await;
    is_taken(
        &store,
        Vec::new(),
        vec![to_b(&new), to_b(&scheduled)],
        scheduled.id,
    )
    .await;
    is_taken(&store, Vec::new(), vec![to_b(&new), to_b(&new)], new.id).await;
    let append = to("b", ExpectedSeq::Any, [new.clone()]);
    is_taken(&store, vec![append], vec![to_b(&new)], new.id).await;
    assert_eq!(store.waiting(new.id).await.unwrap(), None);
    assert_eq!(read(&store, "b").await, []);
}

/// The call is refused because of this id, and nothing is stored.
async fn is_taken(
    store: &impl Backend,
    appends: Vec<StreamAppend>,
    later: Vec<Scheduled>,
    taken: MessageId,
) {
    match store.schedule(appends, later).await {
        Err(AppendError::IdTaken { id }) => assert_eq!(id, taken),
        result => panic!("not refused: {result:?}"),
    }
}
