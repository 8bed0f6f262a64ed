//! What the tests are made of.

// Helpers fail a test by panicking, as the tests themselves do.
#![allow(clippy::unwrap_used)]
// Every file of tests takes what it needs.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use sourced::backend::{
    Ack, Claim, ClaimRequest, Claims as _, Group, Scheduled, StartFrom, StreamAppend, WorkerId,
};
use sourced::env::Env;
use sourced::message::{Kind, NewMessage, Payload, TypeName};
use sourced::{ExpectedSeq, GroupId, StreamId, Timestamp};
use sourced_sqlite::Sqlite;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tempfile::TempDir;

const HAPPENED: &str = "test.happened";

/// The path of a file that is not there yet, and the folder it lives as long as.
pub(super) fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    (folder, path)
}

pub(super) fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(super) fn event(type_name: &str) -> NewMessage {
    let env = Env::system();
    NewMessage::root(
        env.ids.next_id().into(),
        env.clock.now(),
        TypeName::new(type_name).unwrap(),
        Kind::Event,
        Payload::parse("{}").unwrap(),
    )
}

pub(super) fn append(name: &str, n_events: usize) -> StreamAppend {
    StreamAppend {
        stream: stream(name),
        expected: ExpectedSeq::Any,
        messages: (0..n_events).map(|_| event(HAPPENED)).collect(),
    }
}

/// A message for later whose time has come.
pub(super) fn scheduled(name: &str) -> Scheduled {
    Scheduled {
        at: Timestamp::from_micros(0),
        stream: stream(name),
        message: event(HAPPENED),
    }
}

pub(super) fn group(name: &str) -> Group {
    Group {
        id: GroupId::new(name).unwrap(),
        types: vec![TypeName::new(HAPPENED).unwrap()],
        start_from: StartFrom::Beginning,
        order: sourced::backend::GroupOrder::PerStream,
    }
}

pub(super) fn request(group_name: &str, lanes: usize) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![group(group_name).id],
        lanes,
        messages_per_lane: 10,
        bytes: usize::MAX,
        lease: Duration::from_hours(1),
        stretches: Vec::new(),
    }
}

/// The one claim there is.
pub(super) async fn claim(store: &Sqlite, request: &ClaimRequest) -> Claim {
    let mut claims = store.claim(request).await.unwrap();
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.remove(0)
}

pub(super) fn ack_all(claim: &Claim) -> Ack {
    Ack {
        claim: claim.key.clone(),
        upto: claim.deliveries.last().unwrap().message.position,
        appends: Vec::new(),
        schedules: Vec::new(),
        refusals: Vec::new(),
        syncs: Vec::new(),
    }
}

/// Runs SQL behind the backend's back.
pub(super) async fn raw(path: &Path, sql: &str) {
    let mut connection = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
