//! *schedule-once*: looking at what is scheduled, and changing it.

use std::time::Duration;

use sourced::backend::{Backend, Change, Scheduled, Scheduling, SetAside, Waiting};
use sourced::{MessageId, NewMessage, Timestamp};

use super::super::super::Harness;
use super::super::super::fixtures::*;
use super::{HOUR, later, promote, schedule};

pub async fn a_cancelled_one_is_never_stored<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(2);
    let both = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(&store, both).await;
    assert_eq!(store.cancel(messages[0].id).await.unwrap(), Change::Done);
    assert_eq!(store.cancel(messages[0].id).await.unwrap(), Change::Unknown);
    assert_eq!(store.waiting(messages[0].id).await.unwrap(), None);
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [messages[1].id]);
    // What was cancelled was never there, so its id is free.
    let again = schedule(&store, [later(now, HOUR, "b", &messages[0])]).await;
    assert_eq!(again, [Scheduling::Done]);
}

pub async fn a_rescheduled_one_waits_for_its_new_time<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = events(2);
    let both = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(&store, both).await;
    let at = now.saturating_add(3 * HOUR);
    let change = store.reschedule(messages[0].id, at).await.unwrap();
    assert_eq!(change, Change::Done);
    let waiting = store.waiting(messages[0].id).await.unwrap();
    assert_eq!(waiting, Some(Waiting::Until(at)));
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    assert_eq!(stored_ids(&read(&store, "a").await), [messages[1].id]);
    // And sooner again.
    let change = store.reschedule(messages[0].id, now).await.unwrap();
    assert_eq!(change, Change::Done);
    assert_eq!(promote(&store).await.promoted, 1);
    let expected = [messages[1].id, messages[0].id];
    assert_eq!(stored_ids(&read(&store, "a").await), expected);
}

pub async fn what_is_in_its_stream_cannot_be_changed<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let message = event();
    schedule(&store, [later(now, Duration::ZERO, "a", &message)]).await;
    harness.advance(&store, &guard, HOUR).await;
    assert_eq!(promote(&store).await.promoted, 1);
    let (late, unknown) = (message.id, event().id);
    assert_eq!(store.cancel(late).await.unwrap(), Change::AlreadyStored);
    assert_eq!(
        store.reschedule(late, now).await.unwrap(),
        Change::AlreadyStored
    );
    assert_eq!(store.cancel(unknown).await.unwrap(), Change::Unknown);
    assert_eq!(
        store.reschedule(unknown, now).await.unwrap(),
        Change::Unknown
    );
}

pub async fn they_are_listed_in_the_order_of_their_times<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    assert_eq!(store.scheduled(None, 10).await.unwrap(), []);
    let mut all: Vec<Scheduled> = [5, 1, 3, 3, 2, 3]
        .map(|minutes| later(now, Duration::from_mins(minutes), "a", &command()))
        .into();
    schedule(&store, all.clone()).await;
    all.sort_by_key(key);
    assert_eq!(store.scheduled(None, 10).await.unwrap(), all);
    let mut listed: Vec<Scheduled> = Vec::new();
    loop {
        let page = store.scheduled(listed.last().map(key), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, all);
}

pub async fn one_that_cannot_be_promoted_stops_nothing_else<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let messages = with_a_bad_one(&store, now).await;
    harness.advance(&store, &guard, 2 * HOUR).await;
    let mut set_aside = 0;
    for _ in 0..3 {
        set_aside += store.promote(100).await.unwrap().set_aside;
    }
    assert_eq!(set_aside, 1);
    let expected = [messages[0].id, messages[2].id];
    assert_eq!(stored_ids(&read(&store, "a").await), expected);
    let aside = store.set_aside(10).await.unwrap();
    let ids: Vec<_> = aside.iter().map(|SetAside { id, .. }| *id).collect();
    assert_eq!(ids, [messages[1].id]);
    assert!(!aside[0].error.is_empty());
    // As messages are found by their ids, it is the other one that is found; this one waits for a person.
    let waiting = store.waiting(messages[1].id).await.unwrap();
    assert_eq!(waiting, Some(Waiting::SetAside(aside[0].error.clone())));
    assert_eq!(store.scheduled(None, 10).await.unwrap(), []);
    assert_eq!(store.promote(100).await.unwrap().next_in, None);
}

pub async fn what_was_set_aside_can_be_tried_again_or_forgotten<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let now = harness.now(&guard);
    let bad = with_a_bad_one(&store, now).await[1].id;
    harness.advance(&store, &guard, 2 * HOUR).await;
    assert_eq!(promote(&store).await.set_aside, 1);
    assert_eq!(store.reschedule(bad, now).await.unwrap(), Change::Done);
    assert_eq!(promote(&store).await.set_aside, 1);
    assert_eq!(store.cancel(bad).await.unwrap(), Change::Done);
    assert_eq!(store.set_aside(10).await.unwrap(), []);
    assert_eq!(store.cancel(bad).await.unwrap(), Change::AlreadyStored);
}

fn key(scheduled: &Scheduled) -> (Timestamp, MessageId) {
    (scheduled.at, scheduled.message.id)
}

/// Schedules three messages for one stream, of which the second is appended elsewhere meanwhile.
async fn with_a_bad_one(store: &impl Backend, now: Timestamp) -> Vec<NewMessage> {
    let messages = events(3);
    let all = messages
        .iter()
        .map(|message| later(now, HOUR, "a", message));
    schedule(store, all).await;
    append(store, "elsewhere", [messages[1].clone()]).await;
    messages
}
