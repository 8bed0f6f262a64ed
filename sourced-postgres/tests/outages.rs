//! A server that is slow, stands still, may not be written to, or ends sessions.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::Schema;
use sourced::backend::{
    Ack, AckError, BackendError, Claim, ClaimRequest, Claims as _, Group, GroupOrder, Groups as _,
    StartFrom, Store as _, StreamAppend, SyncAction, Tx, WorkerId,
};
use sourced::env::{Clock as _, Env, SystemClock};
use sourced::{
    ExpectedSeq, Failure, GroupId, Kind, MessageId, NewMessage, Payload, StreamId, Timestamp,
    TypeName,
};
use sourced_postgres::{Postgres, PostgresTx as _};
use sqlx::{Connection as _, PgConnection};

fn event() -> NewMessage {
    NewMessage::root(
        MessageId::from_uuid(Env::system().ids.next_id()),
        Timestamp::from_micros(1_700_000_000_000_000),
        TypeName::new("happened").unwrap(),
        Kind::Event,
        Payload::parse("{}").unwrap(),
    )
}

fn to(stream: &str) -> StreamAppend {
    StreamAppend {
        stream: StreamId::new(stream).unwrap(),
        expected: ExpectedSeq::Any,
        messages: vec![event()],
    }
}

/// A claim on one event in stream `a`.
async fn claimed(backend: &Postgres) -> Claim {
    let id = GroupId::new("g").unwrap();
    let group = Group {
        id: id.clone(),
        types: vec![TypeName::new("happened").unwrap()],
        start_from: StartFrom::Beginning,
        order: GroupOrder::PerStream,
    };
    backend.register_group(&group).await.unwrap();
    backend.append(vec![to("a")]).await.unwrap();
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![id],
        lanes: 1,
        messages_per_lane: 100,
        lease: Duration::from_hours(1),
        stretches: Vec::new(),
    };
    backend.claim(&request).await.unwrap().remove(0)
}

fn progress(claim: &Claim) -> Ack {
    Ack {
        claim: claim.key.clone(),
        upto: claim.deliveries[0].message.position,
        appends: Vec::new(),
        schedules: Vec::new(),
        refusals: Vec::new(),
        syncs: Vec::new(),
    }
}

#[tokio::test]
async fn outage_is_no_attempt_when_an_append_of_an_acknowledgement_takes_too_long() {
    let mut schema = Schema::new();
    let backend = schema.connect().await;
    let claim = claimed(&backend).await;
    backend.append(vec![to("out")]).await.unwrap();
    schema.url += "?options[statement_timeout]=100ms";
    let hurried = schema.connect().await;

    let mut holder = PgConnection::connect(&schema.url).await.unwrap();
    let hold = "BEGIN; SELECT * FROM {schema}.streams WHERE name = 'out' FOR UPDATE";
    sqlx::raw_sql(schema.sql(hold))
        .execute(&mut holder)
        .await
        .unwrap();
    let mut ack = progress(&claim);
    ack.appends = vec![to("out")];
    let error = hurried.ack(ack.clone()).await.unwrap_err();
    assert!(BackendError::outage_in(&error).is_some(), "{error:?}");
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    hurried.ack(ack).await.unwrap();
}

/// Does nothing for longer than its transaction may, and perhaps something then.
#[derive(Debug)]
struct Idles(Option<&'static str>);

#[async_trait::async_trait]
impl SyncAction for Idles {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let connection = tx.postgres()?;
        sqlx::raw_sql("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            .execute(&mut *connection)
            .await?;
        SystemClock.sleep(Duration::from_millis(200)).await;
        if let Some(text) = self.0 {
            sqlx::raw_sql(text).execute(connection).await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn quarantine_of_a_sync_action_that_idles_too_long() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let claim = claimed(&backend).await;
    for then in [None, Some("SELECT 1")] {
        let mut ack = progress(&claim);
        ack.syncs = vec![Arc::new(Idles(then))];
        match backend.ack(ack).await.unwrap_err() {
            AckError::Sync(failure) => {
                let text = failure.chain();
                assert!(text.contains("did nothing in its transaction"), "{text}");
            }
            error => panic!("not its own failure: {error:?}"),
        }
    }
    // The claim is still held.
    backend.ack(progress(&claim)).await.unwrap();
}
