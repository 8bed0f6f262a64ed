//! Calls of the port: snapshots, and taking away what nobody needs any more.

use sourced::backend::{ReadStream, Snapshot, Truncation};
use sourced::message::Payload;
use sourced::prelude::*;
use sourced::{GroupId, Seq, StoredMessage};

use super::{Call, Made, all_or_none, call};
use crate::world::{World, append_of};

pub const CALLS: &[Call] = &[
    call!("Snapshots::snapshot", w, task, _n => Made::plain(async move {
        _ = w.backend().snapshot(&actor(), &stream("kept", task as u64)).await.unwrap();
    })),
    call!("Snapshots::base", w, task, _n => Made::plain(async move {
        _ = w.backend().base(&actor(), &stream("kept", task as u64)).await.unwrap();
    })),
    call!("Snapshots::save_snapshot", w, _, n => {
        let kept = snapshot(n, &filled(&w, "kept", n).await);
        let of = w.clone();
        Made::plain(async move {
            let saved = w.backend().save_snapshot(&actor(), &stream("kept", n), &kept).await;
            saved.unwrap();
        })
        .then((of, n), saved_or_not)
    }),
    call!("Snapshots::delete_snapshot", w, _, n => {
        let kept = snapshot(n, &truncated(&w, n).await);
        w.backend().save_snapshot(&actor(), &stream("cut", n), &kept).await.unwrap();
        let of = w.clone();
        Made::plain(async move {
            w.backend().delete_snapshot(&actor(), &stream("cut", n)).await.unwrap();
        })
        .then((of, n), deleted_or_not)
    }),
    call!("Upkeep::truncate_stream", w, _, n => {
        let truncation = truncation(n, &filled(&w, "cut", n).await);
        let of = w.clone();
        Made::plain(async move {
            assert_eq!(w.backend().truncate_stream(&truncation).await.unwrap(), 2);
        })
        .then((of, n), truncated_or_not)
    }),
    call!("Upkeep::restore", w, _, n => {
        let all = truncated(&w, n).await;
        let of = w.clone();
        Made::plain(async move { _ = w.backend().restore(&all).await.unwrap() })
            .then((of, n), back_or_not)
    }),
    call!("Upkeep::read_left", w, task, _n => {
        let read = ReadStream::all(stream("cut", task as u64));
        Made::plain(async move { _ = w.backend().read_left(&read).await.unwrap() })
    }),
    call!("Upkeep::recent_streams", w, _, _n => Made::plain(async move {
        _ = w.backend().recent_streams(None, 10).await.unwrap();
    })),
    call!("Upkeep::statistics", w, _, _n => Made::plain(async move {
        _ = w.backend().statistics().await.unwrap();
    })),
];

fn actor() -> GroupId {
    GroupId::new("somebody").unwrap()
}

fn stream(name: &str, n: u64) -> StreamId {
    StreamId::new(format!("{name}-{n}")).unwrap()
}

/// At the second of these.
fn snapshot(n: u64, all: &[StoredMessage]) -> Snapshot {
    Snapshot {
        seq: all[1].seq,
        event: all[1].id,
        fingerprint: n,
        state: Payload::parse(n.to_string()).unwrap(),
    }
}

fn truncation(n: u64, all: &[StoredMessage]) -> Truncation {
    Truncation {
        stream: stream("cut", n),
        upto: Seq::new(2).unwrap(),
        bases: vec![(actor(), snapshot(n, all))],
    }
}

/// A stream of three messages that no group waits for.
async fn filled(w: &World, name: &str, n: u64) -> Vec<StoredMessage> {
    let append = append_of(stream(name, n).as_str(), w.messages(n, 0, 3));
    w.backend().append(vec![append]).await.unwrap();
    let read = ReadStream::all(stream(name, n));
    w.backend().read_stream(read).await.unwrap()
}

/// One whose first two are removed; gives what it had.
async fn truncated(w: &World, n: u64) -> Vec<StoredMessage> {
    let all = filled(w, "cut", n).await;
    let truncation = truncation(n, &all);
    w.backend().truncate_stream(&truncation).await.unwrap();
    all
}

async fn saved_or_not((w, n): (World, u64)) -> Result<(), String> {
    let found = w.backend().snapshot(&actor(), &stream("kept", n)).await;
    match found.unwrap() {
        None => Ok(()),
        Some(found) if found.fingerprint == n => Ok(()),
        Some(found) => Err(format!("{found:?}")),
    }
}

async fn deleted_or_not((w, n): (World, u64)) -> Result<(), String> {
    let (backend, stream) = (w.backend(), stream("cut", n));
    let snapshot = backend.snapshot(&actor(), &stream).await.unwrap();
    let base = backend.base(&actor(), &stream).await.unwrap();
    all_or_none(&[
        ("the snapshot", snapshot.is_some()),
        ("the base", base.is_some()),
    ])
}

async fn n_left(w: &World, n: u64) -> usize {
    let read = ReadStream::all(stream("cut", n));
    w.backend().read_left(&read).await.unwrap().messages.len()
}

async fn truncated_or_not((w, n): (World, u64)) -> Result<(), String> {
    let n_left = n_left(&w, n).await;
    let base = w.backend().base(&actor(), &stream("cut", n)).await;
    if !matches!(n_left, 1 | 3) {
        return Err(format!("half done: {n_left} messages are left"));
    }
    all_or_none(&[
        ("the removal", n_left == 1),
        ("the base", base.unwrap().is_some()),
    ])
}

async fn back_or_not((w, n): (World, u64)) -> Result<(), String> {
    match n_left(&w, n).await {
        1 | 3 => Ok(()),
        n_left => Err(format!("half done: {n_left} messages are there")),
    }
}
