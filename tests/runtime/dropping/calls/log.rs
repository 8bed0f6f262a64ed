//! Calls of the port: the log, what is for later, what recurs, and documents.

use std::time::Duration;

use sourced::backend::{Advance, Progress, ReadLog, ReadStream, Scheduled, StreamAppend, Waiting};
use sourced::prelude::*;
use sourced::{MessageId, RecurrenceId, Selection, Timestamp};

use super::{Call, Made, all_or_none, call};
use crate::world::{World, append_of};

pub const CALLS: &[Call] = &[
    call!("Store::append", w, _, n => {
        // Whether all of it is there is seen in the log.
        let name = |part| format!("append-{part}-{}", n % 7);
        let mut messages = w.messages(n, 3, 3);
        let second = append_of(&name(2), vec![messages.pop().unwrap()]);
        let appends = vec![append_of(&name(1), messages), second];
        Made::plain(async move { _ = w.backend().append(appends).await.unwrap() })
    }),
    call!(Postgres, "Store::takes_writes", w, _, _n => {
        Made::plain(async move { w.backend().takes_writes().await.unwrap() })
    }),
    call!("Log::read_stream", w, _, n => {
        let read = ReadStream::all(StreamId::new(format!("append-1-{}", n % 7)).unwrap());
        Made::plain(async move { _ = w.backend().read_stream(read).await.unwrap() })
    }),
    call!("Log::read_log", w, _, _n => {
        let read = ReadLog::new(Selection::all()).limit(20);
        Made::plain(async move { _ = w.backend().read_log(&read).await.unwrap() })
    }),
    call!("Log::summary", w, _, n => {
        let selection = Selection::all().stream(StreamId::new(format!("append-1-{}", n % 7)).unwrap());
        Made::plain(async move { _ = w.backend().summary(&selection).await.unwrap() })
    }),
    call!("Log::log_end", w, _, _n => {
        Made::plain(async move { _ = w.backend().log_end().await.unwrap() })
    }),
    call!("Log::find", w, _, _n => {
        let id = w.id();
        Made::plain(async move { assert!(w.backend().find(id).await.unwrap().is_none()) })
    }),
    call!("Log::read_correlation", w, _, _n => {
        let id = w.id().into();
        Made::plain(async move { _ = w.backend().read_correlation(id).await.unwrap() })
    }),
    call!("Documents::document", w, _, n => Made::plain(async move {
        _ = w.backend().document("acks", &n.to_string()).await.unwrap();
    })),
    call!("Documents::documents", w, _, _n => Made::plain(async move {
        _ = w.backend().documents("acks", Some("1"), 5).await.unwrap();
    })),
    call!("Schedules::schedule", w, _, n => {
        let (now, later) = appended_and_scheduled(&w, n);
        let ids = [now.messages[0].id, later.message.id];
        let of = w.clone();
        Made::plain(async move { _ = w.backend().schedule(vec![now], vec![later]).await.unwrap() })
            .then((of, ids), both_or_none)
    }),
    call!("Schedules::scheduled", w, _, _n => Made::plain(async move {
        _ = w.backend().scheduled(None, 5).await.unwrap();
    })),
    call!("Schedules::waiting", w, _, _n => {
        let id = w.id();
        Made::plain(async move { assert_eq!(w.backend().waiting(id).await.unwrap(), None) })
    }),
    call!("Schedules::set_aside", w, _, _n => Made::plain(async move {
        _ = w.backend().set_aside(5).await.unwrap();
    })),
    call!("Schedules::promote", w, _, n => {
        let ids = scheduled(&w, n, long_ago()).await;
        let of = w.clone();
        Made::plain(async move { _ = w.backend().promote(100).await.unwrap() })
            .then((of, ids), in_one_place)
    }),
    call!("Schedules::cancel", w, _, n => {
        let [id, other] = scheduled(&w, n, far_away()).await;
        let of = w.clone();
        Made::plain(async move { _ = w.backend().cancel(id).await.unwrap() })
            .then((of, id, other), cancelled_alone)
    }),
    call!("Schedules::reschedule", w, _, n => {
        let [id, _] = scheduled(&w, n, far_away()).await;
        let of = w.clone();
        let to = Timestamp::from_micros(4_000_000_000_000_000);
        Made::plain(async move { _ = w.backend().reschedule(id, to).await.unwrap() })
            .then((of, id), still_waits)
    }),
    call!("Recurrences::progress", w, task, _n => Made::plain(async move {
        _ = w.backend().progress(&recurrence(task)).await.unwrap();
    })),
    call!("Recurrences::advance", w, task, n => {
        let id = recurrence(task);
        let known = w.backend().progress(&id).await.unwrap().progress;
        let last = known.as_ref().and_then(|known| known.last);
        let next = last.unwrap_or(Timestamp::from_micros(0)).saturating_add(Duration::from_secs(1));
        let to = Progress {
            rule: "every second".to_owned(),
            since: Timestamp::from_micros(0),
            last: Some(next),
        };
        let append = w.append(n, &format!("ticks-{task}"), 1);
        let message = append.messages[0].id;
        let of = w.clone();
        Made::plain(async move {
            let advanced = w.backend().advance(&recurrence(task), known.as_ref(), &to, vec![append]).await;
            assert!(matches!(advanced.unwrap(), Advance::Done(_)));
        })
        .then((of, id, message, next), ticked_or_not)
    }),
];

/// For every clock of these tests.
fn long_ago() -> Timestamp {
    Timestamp::from_micros(1_000_000)
}

fn far_away() -> Timestamp {
    Timestamp::from_micros(5_000_000_000_000_000)
}

fn recurrence(task: usize) -> RecurrenceId {
    RecurrenceId::new(format!("every-second-{task}")).unwrap()
}

fn appended_and_scheduled(w: &World, call: u64) -> (StreamAppend, Scheduled) {
    let mut messages = w.messages(call, 1, 2);
    let later = Scheduled {
        at: far_away(),
        stream: StreamId::new(format!("later-{call}")).unwrap(),
        message: messages.pop().unwrap(),
    };
    (append_of(&format!("now-{}", call % 5), messages), later)
}

async fn both_or_none((w, [now, later]): (World, [MessageId; 2])) -> Result<(), String> {
    let is_stored = w.backend().find(now).await.unwrap().is_some();
    let waits = w.backend().waiting(later).await.unwrap().is_some();
    all_or_none(&[("what is for now", is_stored), ("what is for later", waits)])
}

async fn cancelled_alone((w, id, other): (World, MessageId, MessageId)) -> Result<(), String> {
    let is_stored = w.backend().find(id).await.unwrap().is_some();
    let waits = w.backend().waiting(other).await.unwrap().is_some();
    if is_stored || !waits {
        return Err(format!("stored: {is_stored}; the other one waits: {waits}"));
    }
    Ok(())
}

async fn still_waits((w, id): (World, MessageId)) -> Result<(), String> {
    match w.backend().waiting(id).await.unwrap() {
        Some(Waiting::Until(_)) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

async fn ticked_or_not(
    (w, id, message, next): (World, RecurrenceId, MessageId, Timestamp),
) -> Result<(), String> {
    let is_stored = w.backend().find(message).await.unwrap().is_some();
    let now = w.backend().progress(&id).await.unwrap().progress;
    let is_moved = now.and_then(|now| now.last) >= Some(next);
    all_or_none(&[("the tick", is_stored), ("the progress", is_moved)])
}

/// Two messages for later in one stream.
async fn scheduled(w: &World, call: u64, at: Timestamp) -> [MessageId; 2] {
    let messages = w.messages(call, 0, 2);
    let ids = [messages[0].id, messages[1].id];
    let stream = StreamId::new(format!("promoted-{call}")).unwrap();
    let later = messages.into_iter().map(|message| Scheduled {
        at,
        stream: stream.clone(),
        message,
    });
    let later: Vec<_> = later.collect();
    w.backend().schedule(Vec::new(), later).await.unwrap();
    ids
}

async fn in_one_place((w, ids): (World, [MessageId; 2])) -> Result<(), String> {
    for id in ids {
        let is_stored = w.backend().find(id).await.unwrap().is_some();
        let waits = w.backend().waiting(id).await.unwrap();
        let waits = matches!(waits, Some(Waiting::Until(_)));
        if is_stored == waits {
            return Err(format!("stored: {is_stored}, waits: {waits}"));
        }
    }
    Ok(())
}
