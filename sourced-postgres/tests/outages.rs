//! A server that is slow, stands still, may not be written to, or ends sessions.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::Schema;
use sourced::backend::{
    Ack, AckError, BackendError, Claim, ClaimRequest, Claims as _, Group, GroupOrder, Groups as _,
    Log as _, StartFrom, Store as _, StreamAppend, SyncAction, Tx, WorkerId,
};
use sourced::env::{Clock as _, Env, SystemClock};
use sourced::prelude::*;
use sourced::{
    ExpectedSeq, GroupId, Health, Kind, MessageId, NewMessage, Outcome, Payload, RetryPolicy,
    Timestamp, TypeName, WorkerOptions,
};
use sourced_postgres::{Postgres, PostgresTx as _};
use sourced_testing::postgres::ThrowawayPostgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::sync::Semaphore;

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
        bytes: usize::MAX,
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

/// Where handlers wait, and where it shows that they do.
#[derive(Debug)]
struct Gate {
    arrived: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            arrived: Semaphore::new(0),
            open: Semaphore::new(0),
        })
    }
}

#[derive(Debug, Default)]
struct Door;

#[actor]
impl Door {
    #[command]
    async fn open(&self, gate: Res<Arc<Gate>>) -> Result<Opened, Failure> {
        gate.arrived.add_permits(1);
        gate.open.acquire().await?.forget();
        Ok(Opened)
    }
    #[event]
    fn opened(&mut self) {}

    #[command]
    fn knock(&self) -> Knocked {
        Knocked
    }
    #[event]
    fn knocked(&mut self) {}
}

async fn doors(backend: &Postgres, gate: &Arc<Gate>, workers: WorkerOptions) -> App {
    let workers = workers
        .lease(Duration::from_secs(2))
        .retry(RetryPolicy::never());
    let builder = App::builder().backend(backend.clone()).workers(workers);
    let builder = builder.register::<Door>().resource(Arc::clone(gate));
    builder.build().await.unwrap()
}

async fn execute(url: &str, text: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let text = AssertSqlSafe(text.to_owned());
    sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
}

/// New connections of the database may write, or not; all others are cut.
async fn turn(url: &str, default_read_only: &str) {
    let text = format!(
        "ALTER DATABASE postgres SET default_transaction_read_only = {default_read_only};
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name = 'sourced'"
    );
    let url = format!("{url}?options[default_transaction_read_only]=off");
    execute(&url, &text).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outage_is_no_attempt_while_the_server_takes_no_writes() {
    let server = ThrowawayPostgres::start();
    let builder = Postgres::builder(server.url()).pool_size(3);
    let backend = builder.connect().await.unwrap();
    let gate = Gate::new();
    let app = doors(&backend, &gate, WorkerOptions::default()).await;
    let running = app.start();
    assert!(app.health().await.is_ok());
    let claimed = app.dispatch(Open.to("door-1")).await.unwrap();
    gate.arrived.acquire().await.unwrap().forget();

    turn(server.url(), "on").await;
    // What was claimed before cannot be acknowledged.
    gate.open.add_permits(1);
    let is_told = |health: Health| {
        let error = health.backend.error.unwrap_or_default();
        error.contains("read only") || error.contains("read-only")
    };
    while !is_told(app.health().await) {}
    for _ in 0..5 {
        let error = app.dispatch(Knock.to("door-2")).await.unwrap_err();
        assert!(BackendError::outage_in(&error).is_some(), "{error:?}");
    }

    // The address leads to one that takes them, and what is connected to the other one stays there.
    let text = "ALTER DATABASE postgres SET default_transaction_read_only = off";
    execute(
        &format!(
            "{}?options[default_transaction_read_only]=off",
            server.url()
        ),
        text,
    )
    .await;
    gate.open.add_permits(100);
    let knocked = app.dispatch(Knock.to("door-2")).await.unwrap();
    for receipt in [claimed, knocked] {
        let outcome = receipt.outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    }
    assert!(app.idle().await.unwrap().is_done());
    assert!(app.health().await.is_ok());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_ever_for_a_server_that_stands_still() {
    let server = ThrowawayPostgres::start();
    let builder = Postgres::builder(server.url())
        .answer_within(Duration::from_millis(300))
        .connect_within(Duration::from_millis(300));
    let backend = builder.connect().await.unwrap();
    let gate = Gate::new();
    let workers = WorkerOptions::default().stop_within(Duration::from_millis(500));
    let app = doors(&backend, &gate, workers).await;
    let running = app.start();
    let claimed = app.dispatch(Open.to("door-1")).await.unwrap();
    gate.arrived.acquire().await.unwrap().forget();

    server.halt();
    let time_is_up = SystemClock.sleep(Duration::from_secs(20));
    let watched = async {
        let error = app.actor::<Door>("door-2").knock().await.unwrap_err();
        assert!(BackendError::outage_in(&error).is_some(), "{error:?}");
        assert_eq!(running.stop().await.aborted, 1);
    };
    tokio::select! {
        () = watched => {}
        () = time_is_up => panic!("somebody waits"),
    }

    server.go_on();
    let running = app.start();
    gate.open.add_permits(100);
    app.actor::<Door>("door-2").knock().await.unwrap();
    let outcome = claimed.outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_goes_on_from_a_copy_made_just_before_what_was_stored() {
    let server = ThrowawayPostgres::start();
    let backend = Postgres::connect(server.url()).await.unwrap();
    backend.append(vec![to("a")]).await.unwrap();
    server.copy();
    backend.append(vec![to("a")]).await.unwrap();
    assert_eq!(backend.setbacks(), 0);
    server.restore();
    while backend.append(vec![to("b")]).await.is_err() {}
    assert_eq!(backend.setbacks(), 1);
}

/// Ends those whose commit waits for a replica; how many there were.
async fn cut_waiting(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let text = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    sqlx::query_scalar(text)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acked_is_durable_on_the_replica_too_when_it_is_asked_again() {
    let server = ThrowawayPostgres::start();
    let builder = Postgres::builder(server.url()).answer_within(Duration::from_secs(1));
    let backend = builder.connect().await.unwrap();
    execute(
        server.url(),
        "ALTER SYSTEM SET synchronous_standby_names = nobody",
    )
    .await;
    execute(server.url(), "SELECT pg_reload_conf()").await;
    // The setting comes into force when the server has got round to it.
    let (append, told) = loop {
        let append = to("a");
        let storing = Env::system().spawner.spawn({
            let (backend, append) = (backend.clone(), append.clone());
            async move { backend.append(vec![append]).await }
        });
        let mut n_cut = 0;
        while !storing.is_finished() && n_cut == 0 {
            n_cut = cut_waiting(server.url()).await;
        }
        let told = storing.await.unwrap();
        if n_cut > 0 {
            break (append, told);
        }
    };
    let error = told.unwrap_err();
    assert!(BackendError::outage_in(&error).is_some(), "{error:?}");
    // It is there, and on no replica.
    let error = backend.append(vec![append.clone()]).await.unwrap_err();
    assert!(BackendError::outage_in(&error).is_some(), "{error:?}");

    execute(server.url(), "ALTER SYSTEM RESET synchronous_standby_names").await;
    execute(server.url(), "SELECT pg_reload_conf()").await;
    let stored = loop {
        match backend.append(vec![append.clone()]).await {
            Ok(stored) => break stored,
            Err(error) => assert!(BackendError::outage_in(&error).is_some(), "{error:?}"),
        }
    };
    assert!(stored[0].already_stored);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_its_own_words() {
    let builder = Postgres::builder("postgres://sourced@127.0.0.1:1/shop");
    let builder = builder.connect_within(Duration::from_millis(200));
    let error = Failure::from(builder.connect().await.unwrap_err());
    let text = error.chain();
    assert_eq!(text.matches("refused").count(), 1, "{text}");
    assert!(!text.contains("pool"), "{text}");
}

/// Saves slowly, and counts how often it is asked to.
#[derive(Debug, Default)]
struct SlowList;

#[projector]
impl SlowList {
    #[event]
    fn knocked(&mut self, _: &Knocked) {}

    #[sync]
    async fn save(&self, tx: &mut Tx<'_>, n_saved: Res<Arc<AtomicU32>>) -> Result<(), Failure> {
        // Not where it is rehearsed.
        let connection = tx.postgres()?;
        n_saved.fetch_add(1, Ordering::Relaxed);
        sqlx::raw_sql("SELECT pg_sleep(1.5)")
            .execute(connection)
            .await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_are_renewed_while_slow_sync_actions_have_all_connections() {
    let schema = Schema::new();
    let builder = Postgres::builder(&schema.url).schema(&schema.name);
    let backend = builder.pool_size(2).connect().await.unwrap();
    let n_saved = Arc::new(AtomicU32::new(0));
    let workers = WorkerOptions::default().lease(Duration::from_millis(900));
    let builder = App::builder().backend(backend).workers(workers);
    let builder = builder.register::<Door>().register::<SlowList>();
    let builder = builder.resource(Gate::new()).resource(Arc::clone(&n_saved));
    let app = builder.build().await.unwrap();
    for n in 0..6 {
        app.actor::<Door>(format!("door-{n}"))
            .knock()
            .await
            .unwrap();
    }
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    running.stop().await;
    assert_eq!(n_saved.load(Ordering::Relaxed), 6);
}
