//! What only PostgreSQL can get wrong.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::Schema;
use sourced::backend::{
    Ack, AckError, BackendError, Claim, ClaimRequest, Claims as _, Column, ColumnType, Group,
    GroupOrder, Groups as _, Log as _, Mark, Nulls, Page, ReadLog, ResetFrom, ResetScope,
    Scheduled, Schedules as _, StartFrom, Store as _, StreamAppend, SyncAction, Table, Tx,
    UnitCommit, Units as _, WorkerId,
};
use sourced::{
    ExpectedSeq, Failure, GroupId, Kind, MessageId, NewMessage, Payload, Position, Reader,
    Selection, StreamId, Timestamp, TypeName,
};
use sourced_postgres::{Postgres, PostgresTx as _, SCHEMA_VERSION};
use sqlx::types::Uuid;
use sqlx::{Connection as _, PgConnection, Row as _};

fn event() -> NewMessage {
    NewMessage::root(
        MessageId::from_uuid(unique()),
        Timestamp::from_micros(1_700_000_000_000_000),
        TypeName::new("happened").unwrap(),
        Kind::Event,
        Payload::parse("{}").unwrap(),
    )
}

fn unique() -> Uuid {
    use sourced::env::Env;
    Env::system().ids.next_id()
}

fn to(stream: &str, messages: impl IntoIterator<Item = NewMessage>) -> StreamAppend {
    StreamAppend {
        stream: StreamId::new(stream).unwrap(),
        expected: ExpectedSeq::Any,
        messages: messages.into_iter().collect(),
    }
}

/// A message for later whose time has come.
fn scheduled(stream: &str) -> Scheduled {
    Scheduled {
        at: Timestamp::from_micros(0),
        stream: StreamId::new(stream).unwrap(),
        message: event(),
    }
}

async fn append(backend: &Postgres, stream: &str) -> Position {
    backend.append(vec![to(stream, [event()])]).await.unwrap()[0].position
}

async fn register(backend: &Postgres, start_from: StartFrom) -> GroupId {
    register_for(backend, "happened", start_from).await
}

async fn register_for(backend: &Postgres, type_name: &str, start_from: StartFrom) -> GroupId {
    register_in(GroupOrder::PerStream, backend, type_name, start_from).await
}

async fn register_in(
    order: GroupOrder,
    backend: &Postgres,
    type_name: &str,
    start_from: StartFrom,
) -> GroupId {
    let id = GroupId::new("g").unwrap();
    let types = vec![TypeName::new(type_name).unwrap()];
    let group = Group {
        id: id.clone(),
        types,
        start_from,
        order,
    };
    backend.register_group(&group).await.unwrap();
    id
}

async fn claim(backend: &Postgres, group: &GroupId) -> Vec<Claim> {
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(unique()),
        groups: vec![group.clone()],
        lanes: 100,
        messages_per_lane: 100,
        bytes: usize::MAX,
        lease: Duration::from_hours(1),
        stretches: Vec::new(),
    };
    backend.claim(&request).await.unwrap()
}

fn progress(claim: &Claim) -> Ack {
    Ack {
        claim: claim.key.clone(),
        upto: claim.deliveries.last().unwrap().message.position,
        appends: Vec::new(),
        schedules: Vec::new(),
        refusals: Vec::new(),
        syncs: Vec::new(),
    }
}

async fn claim_and_ack(backend: &Postgres, group: &GroupId) -> BTreeSet<(String, u64)> {
    let mut handled = BTreeSet::new();
    for claim in claim(backend, group).await {
        for delivery in &claim.deliveries {
            let message = &delivery.message;
            handled.insert((message.stream_id.to_string(), message.position.get()));
        }
        backend.ack(progress(&claim)).await.unwrap();
    }
    handled
}

/// A writer that appends one event with the backend's own function, and commits when it is told to.
struct SlowWriter {
    connection: PgConnection,
    position: Position,
}

impl SlowWriter {
    async fn append(schema: &Schema, stream: &str) -> Self {
        let mut connection = PgConnection::connect(&schema.url).await.unwrap();
        sqlx::raw_sql("BEGIN")
            .execute(&mut connection)
            .await
            .unwrap();
        let positions = append_by_function(&mut connection, schema, stream).await;
        let position = Position::new(u64::try_from(positions[0]).unwrap());
        Self {
            connection,
            position,
        }
    }

    /// Appends once more in the same transaction.
    async fn append_again(&mut self, schema: &Schema, stream: &str) -> Position {
        let row = append_by_function(&mut self.connection, schema, stream).await;
        Position::new(u64::try_from(row[0]).unwrap())
    }

    async fn execute(&mut self, text: &'static str) {
        let done = sqlx::raw_sql(text).execute(&mut self.connection).await;
        done.unwrap();
    }

    /// How many advisory locks it holds.
    async fn n_locks(&mut self) -> i64 {
        let text =
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
        let n_locks = sqlx::query_scalar(text).fetch_one(&mut self.connection);
        n_locks.await.unwrap()
    }

    async fn end(mut self, how: &'static str) -> Position {
        sqlx::raw_sql(how)
            .execute(&mut self.connection)
            .await
            .unwrap();
        self.connection.close().await.unwrap();
        self.position
    }
}

async fn append_by_function(
    connection: &mut PgConnection,
    schema: &Schema,
    stream: &str,
) -> Vec<i64> {
    let row = sqlx::query(schema.sql(
        "SELECT positions FROM {schema}.append(ARRAY[$1], ARRAY[0], ARRAY[0::bigint], ARRAY[1::bigint],
           ARRAY[1::bigint], ARRAY[1], ARRAY[1::bigint], ARRAY[$2], ARRAY['event'], ARRAY['happened'], ARRAY[$2],
           ARRAY[$2], ARRAY[now()], ARRAY[NULL::text], ARRAY[NULL::text], ARRAY['{}'])",
    ))
    .bind(stream)
    .bind(unique())
    .fetch_one(connection)
    .await
    .unwrap();
    row.get(0)
}

#[tokio::test]
async fn many_appends_of_one_transaction_hold_one_lock_and_are_never_skipped() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    let mut slow = SlowWriter::append(&schema, "slow-0").await;
    append(&backend, "quick").await;
    for nth in 1..50 {
        slow.append_again(&schema, &format!("slow-{nth}")).await;
    }
    assert_eq!(slow.n_locks().await, 1);
    let feed = Reader::new(backend.clone()).log(Selection::all());
    assert_eq!(
        feed.count().await.unwrap(),
        0,
        "its first position is not decided"
    );
    slow.end("COMMIT").await;
    assert_eq!(feed.count().await.unwrap(), 51);
    assert_eq!(claim_and_ack(&backend, &group).await.len(), 51);

    // A savepoint takes back the lock, and what is appended after it needs another one.
    let mut slow = SlowWriter::append(&schema, "slow-0").await;
    slow.execute("ROLLBACK; BEGIN; SAVEPOINT s").await;
    slow.append_again(&schema, "slow-1").await;
    slow.execute("ROLLBACK TO s").await;
    assert_eq!(slow.n_locks().await, 0);
    slow.append_again(&schema, "slow-2").await;
    assert_eq!(slow.n_locks().await, 1);
    append(&backend, "quick").await;
    assert_eq!(feed.count().await.unwrap(), 51);
    slow.end("COMMIT").await;
    assert_eq!(feed.count().await.unwrap(), 53);
}

/// `Table::check` has them in a list.
#[tokio::test]
async fn no_read_model_may_be_called_as_a_table_of_its_own() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let names: Vec<String> = sqlx::query_scalar(schema.sql(
        "SELECT relname::text FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'v')",
    ))
    .fetch_all(backend.pool())
    .await
    .unwrap();
    assert!(names.len() > 15);
    for name in names {
        let table = Table {
            name: Box::leak(name.into_boxed_str()),
            version: 1,
            columns: vec![Column {
                name: "id",
                of: ColumnType::Text,
                nulls: Nulls::Refused,
                mark: Mark::Key,
            }],
        };
        assert!(table.check().is_err(), "{}", table.name);
    }
}

#[tokio::test]
async fn migrations_can_run_twice_and_at_once() {
    let schema = Schema::new();
    let all: Vec<_> = (0..8)
        .map(|_| {
            Postgres::builder(&schema.url)
                .schema(&schema.name)
                .pool_size(1)
                .connect()
        })
        .collect();
    let tasks: Vec<_> = all.into_iter().map(spawn).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let backend = schema.connect().await;
    let applied: i64 = sqlx::query_scalar(schema.sql("SELECT count(*) FROM {schema}.migrations"))
        .fetch_one(backend.pool())
        .await
        .unwrap();
    assert_eq!(applied, SCHEMA_VERSION);
}

#[tokio::test]
async fn a_schema_of_version_1_is_brought_up_to_date_with_all_it_holds() {
    let schema = Schema::new();
    let first = include_str!("../migrations/0001_log_and_lanes.sql");
    let old = format!(
        "CREATE SCHEMA {{schema}};
         CREATE TABLE {{schema}}.migrations (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
         INSERT INTO {{schema}}.migrations (version) VALUES (1);
         {first}
         INSERT INTO {{schema}}.streams (name, version, last_event_seq) VALUES ('a', 1, 1);
         INSERT INTO {{schema}}.messages (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, payload)
         SELECT nextval('{{schema}}.position_seq'), 1, 1, id, 'event', 'happened', id, id, now(), '{{}}' FROM gen_random_uuid() AS id"
    );
    let mut connection = PgConnection::connect(&schema.url).await.unwrap();
    sqlx::raw_sql(schema.sql(&old))
        .execute(&mut connection)
        .await
        .unwrap();
    let backend = schema.connect().await;
    let later = vec![scheduled("a"), scheduled("b")];
    backend.schedule(Vec::new(), later).await.unwrap();
    assert_eq!(backend.promote(10).await.unwrap().promoted, 2);
    assert_eq!(common::log(&backend).await.len(), 3);
}

#[tokio::test]
async fn a_damaged_scheduled_message_is_set_aside_alone() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let all: Vec<_> = (0..3).map(|_| scheduled("a")).collect();
    let damaged = all[1].message.id;
    backend.schedule(Vec::new(), all).await.unwrap();
    schema
        .execute(
            &backend,
            &format!("UPDATE {{schema}}.scheduled SET type = 'no type' WHERE id = '{damaged}'"),
        )
        .await;
    assert_eq!(backend.scheduled(None, 10).await.unwrap().len(), 2);
    let promotion = backend.promote(10).await.unwrap();
    assert_eq!((promotion.promoted, promotion.set_aside), (2, 1));
    let aside = backend.set_aside(10).await.unwrap();
    assert_eq!(aside[0].id, damaged);
    assert!(aside[0].error.contains("type name"), "{}", aside[0].error);
}

#[tokio::test]
async fn a_promoter_that_hangs_holds_up_its_own_streams_only() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let (held, behind, free) = (scheduled("a"), scheduled("a"), scheduled("b"));
    let all = vec![held.clone(), behind, free];
    backend.schedule(Vec::new(), all).await.unwrap();
    let mut other = PgConnection::connect(&schema.url).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let lock = format!(
        "SELECT FROM {{schema}}.scheduled WHERE id = '{}' FOR UPDATE",
        held.message.id
    );
    sqlx::raw_sql(schema.sql(&lock))
        .execute(&mut *transaction)
        .await
        .unwrap();
    let promotion = backend.promote(10).await.unwrap();
    assert_eq!(
        (promotion.promoted, promotion.next_in),
        (1, Some(Duration::ZERO))
    );
    transaction.rollback().await.unwrap();
    assert_eq!(backend.promote(10).await.unwrap().promoted, 2);
    let log = common::log(&backend).await;
    assert_eq!(log[0].stream_id.as_str(), "b");
    assert_eq!(log[1].id, held.message.id);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    schema
        .execute(
            &backend,
            "INSERT INTO {schema}.migrations (version) VALUES (1000)",
        )
        .await;
    let error = Postgres::builder(&schema.url)
        .schema(&schema.name)
        .connect()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            BackendError::Schema {
                found: 1000,
                known: SCHEMA_VERSION
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_wrong_name_of_the_schema_is_refused() {
    for bad in ["", "1a", "a\"; DROP SCHEMA public; --"] {
        let error = Postgres::builder("postgres://nowhere")
            .schema(bad)
            .connect()
            .await
            .unwrap_err();
        assert!(matches!(error, BackendError::Refused(_)), "{error:?}");
    }
}

#[tokio::test]
async fn neither_the_settings_nor_the_backend_show_the_password() {
    let builder = Postgres::builder("postgres://app:secret@localhost/x");
    assert!(!format!("{builder:?}").contains("secret"));
}

#[tokio::test]
async fn a_writer_that_keeps_its_transaction_open_delays_nobody_else_and_is_never_skipped() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    let slow = SlowWriter::append(&schema, "slow").await;
    let rolled_back = SlowWriter::append(&schema, "never").await;
    let quick = append(&backend, "quick").await;
    assert!(slow.position < quick);

    assert_eq!(
        claim_and_ack(&backend, &group).await,
        [("quick".to_owned(), quick.get())].into()
    );
    assert_eq!(claim_and_ack(&backend, &group).await, BTreeSet::new());
    assert_eq!(common::log(&backend).await, []);
    assert_eq!(backend.log_end().await.unwrap(), Position::START);

    rolled_back.end("ROLLBACK").await;
    let late = slow.end("COMMIT").await;
    assert_eq!(
        claim_and_ack(&backend, &group).await,
        [("slow".to_owned(), late.get())].into()
    );
    let log = common::log(&backend).await;
    let log: Vec<_> = log.iter().map(|message| message.position).collect();
    assert_eq!(log, [late, quick]);
    assert_eq!(backend.log_end().await.unwrap(), quick);
    assert_eq!(backend.pending_lanes(&[group]).await.unwrap(), 0);
}

/// With a condition nobody can tell by a missing position that somebody is late.
#[tokio::test]
async fn a_writer_that_keeps_its_transaction_open_is_never_skipped_by_a_filtered_reader() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let selections = [
        Selection::all(),
        Selection::all().types([TypeName::new("happened").unwrap()]),
        Selection::all().kind(Kind::Event).stream_prefix(""),
        Selection::all()
            .streams(["slow", "quick", "never"].map(|name| StreamId::new(name).unwrap())),
    ];
    let first = append(&backend, "quick").await;
    let mut reads = selections.map(|selection| ReadLog::new(selection).limit(2));
    for read in &mut reads {
        let page = backend.read_log(read).await.unwrap();
        assert_eq!(positions(&page), [first]);
        *read = read.clone().beyond(&page);
    }
    let slow = SlowWriter::append(&schema, "slow").await;
    let never = SlowWriter::append(&schema, "never").await;
    let quick = append(&backend, "quick").await;
    for read in &mut reads {
        for _ in 0..2 {
            let page = backend.read_log(read).await.unwrap();
            assert_eq!((positions(&page), page.is_last), (vec![], true), "{read:?}");
            *read = read.clone().beyond(&page);
        }
        let backwards = ReadLog::new(read.selection.clone().after(Position::START)).backwards();
        let page = backend.read_log(&backwards).await.unwrap();
        assert_eq!(positions(&page), [first]);
        let summary = backend.summary(&backwards.selection).await.unwrap();
        assert_eq!(summary.count, 1);
    }
    never.end("ROLLBACK").await;
    let late = slow.end("COMMIT").await;
    for read in reads {
        let page = backend.read_log(&read).await.unwrap();
        assert_eq!(positions(&page), [late, quick], "{read:?}");
        let next = backend.read_log(&read.beyond(&page)).await.unwrap();
        assert_eq!((positions(&next), next.is_last), (vec![], true));
    }
}

fn positions(page: &Page) -> Vec<Position> {
    let messages = page.messages.iter();
    messages.map(|message| message.position).collect()
}

#[tokio::test]
async fn a_reader_writes_nothing_and_needs_no_right_to() {
    let schema = Schema::new();
    let read_only = || {
        Postgres::builder(&schema.url)
            .schema(&schema.name)
            .connect_read_only()
    };
    let error = read_only().await.unwrap_err();
    assert!(
        matches!(error, BackendError::Schema { found: 0, .. }),
        "{error:?}"
    );
    let backend = schema.connect().await;
    append(&backend, "a").await;
    let role = format!("reader_of_{}", schema.name);
    schema
        .execute(
            &backend,
            &format!(
                "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {{schema}} TO {role};
                 GRANT SELECT ON ALL TABLES IN SCHEMA {{schema}} TO {role};
                 GRANT SELECT ON ALL SEQUENCES IN SCHEMA {{schema}} TO {role}"
            ),
        )
        .await;
    let (_, server) = schema.url.split_once('@').unwrap();
    let url = format!("postgres://{role}@{server}");
    let reader = Postgres::builder(&url)
        .schema(&schema.name)
        .connect_read_only()
        .await
        .unwrap();
    let reader = Reader::new(reader);
    let feed = reader.log(Selection::all());
    assert_eq!(feed.count().await.unwrap(), 1);
    assert_eq!(
        feed.last().await.unwrap(),
        common::log(&backend).await.pop()
    );
    assert_eq!(reader.document::<u64>("none", "none").await.unwrap(), None);
    // Whatever else its role may do.
    let reader = read_only().await.unwrap();
    assert_eq!(reader.log_end().await.unwrap(), Position::new(1));
    schema
        .execute(&backend, &format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

#[tokio::test]
async fn a_page_of_the_log_uses_the_indexes() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    schema
        .execute(
            &backend,
            "INSERT INTO {schema}.streams (name, version, last_event_seq) SELECT 's' || n, 2, 2 FROM generate_series(1, 50000) AS n;
             INSERT INTO {schema}.messages (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, payload)
             SELECT n, n % 50000 + 1, n / 50000 + 1, id, 'event', 'happened', id, id, now(), '{}'
               FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(0, 99999) AS n) AS new;
             SELECT setval('{schema}.position_seq', 100000);
             ANALYZE {schema}.streams; ANALYZE {schema}.messages;",
        )
        .await;
    let types = Selection::all().types([TypeName::new("rare").unwrap()]);
    let of_streams = ["s7", "s8"].map(|name| StreamId::new(name).unwrap());
    let correlation: Uuid = sqlx::query_scalar(
        schema.sql("SELECT correlation_id FROM {schema}.messages WHERE position = 7"),
    )
    .fetch_one(backend.pool())
    .await
    .unwrap();
    for selection in [
        Selection::all(),
        types,
        Selection::all().stream_prefix("s7"),
        Selection::all().streams(of_streams),
        Selection::all().correlation(correlation.into()),
    ] {
        for read in [
            ReadLog::new(selection.clone()),
            ReadLog::new(selection).backwards(),
        ] {
            let read = read.limit(10);
            // The sixth is the first with a plan for any values.
            for _ in 0..7 {
                backend.read_log(&read).await.unwrap();
            }
        }
    }
    // A session tells of its scans at its end.
    backend.pool().close().await;
    let mut connection = PgConnection::connect(&schema.url).await.unwrap();
    let scans: Vec<(String, i64)> = sqlx::query_as(
        "SELECT relname::text, seq_tup_read FROM pg_stat_user_tables WHERE schemaname = $1 AND relname IN ('messages', 'streams')",
    )
    .bind(&schema.name)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(scans.len(), 2);
    for (table, rows) in scans {
        assert_eq!(rows, 0, "rows of `{table}` that were read without an index");
    }
}

#[tokio::test]
async fn a_group_from_now_gets_what_was_not_committed_then() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    append(&backend, "old").await;
    let slow = SlowWriter::append(&schema, "slow").await;
    let old = append(&backend, "old").await;
    let group = register(&backend, StartFrom::Now).await;
    assert!(slow.position < old);
    let late = slow.end("COMMIT").await;
    let new = append(&backend, "old").await;
    let expected = [
        ("slow".to_owned(), late.get()),
        ("old".to_owned(), new.get()),
    ];
    assert_eq!(claim_and_ack(&backend, &group).await, expected.into());
}

#[tokio::test]
async fn what_is_committed_late_is_never_skipped_when_the_types_change_meanwhile() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    let slow = SlowWriter::append(&schema, "slow").await;
    let slower = SlowWriter::append(&schema, "slower").await;
    let quick = append(&backend, "quick").await;
    let expected = [("quick".to_owned(), quick.get())];
    assert_eq!(claim_and_ack(&backend, &group).await, expected.into());

    register_for(&backend, "else", StartFrom::Beginning).await;
    let late = slow.end("COMMIT").await;
    assert_eq!(claim_and_ack(&backend, &group).await, BTreeSet::new());
    register(&backend, StartFrom::Beginning).await;
    let expected = [("slow".to_owned(), late.get())];
    assert_eq!(claim_and_ack(&backend, &group).await, expected.into());
    let later = slower.end("COMMIT").await;
    let expected = [("slower".to_owned(), later.get())];
    assert_eq!(claim_and_ack(&backend, &group).await, expected.into());
    assert_eq!(backend.pending_lanes(&[group]).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_committed_late_is_never_skipped_by_a_reset() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let old = append(&backend, "old").await;
    let from_now = SlowWriter::append(&schema, "slow").await;
    let quick = append(&backend, "quick").await;
    let group = register(&backend, StartFrom::Now).await;
    let slower = SlowWriter::append(&schema, "slower").await;
    let new = append(&backend, "quick").await;
    let expected = BTreeSet::from([("quick".to_owned(), new.get())]);
    assert_eq!(claim_and_ack(&backend, &group).await, expected);
    for (after, comes_again) in [(Position::START, true), (new, false)] {
        let from = ResetFrom::After(after);
        let reset = backend.reset_group(&group, &ResetScope::All, from).await;
        reset.unwrap();
        let found = claim_and_ack(&backend, &group).await;
        assert_eq!(found == expected, comes_again, "{found:?}");
        assert_eq!(found.is_empty(), !comes_again, "{found:?}");
    }
    assert!(old < from_now.position && from_now.position < quick);
    for late in [from_now, slower] {
        let stream = if late.position < quick {
            "slow"
        } else {
            "slower"
        };
        let expected = [(stream.to_owned(), late.end("COMMIT").await.get())];
        assert_eq!(claim_and_ack(&backend, &group).await, expected.into());
    }
    let reset = backend.reset_group(&group, &ResetScope::All, ResetFrom::Beginning);
    reset.await.unwrap();
    assert_eq!(claim_and_ack(&backend, &group).await.len(), 3);
    assert_eq!(backend.pending_lanes(&[group]).await.unwrap(), 0);
}

/// Nobody claims with a snapshot from before a change, nor does a change overlook who claims.
#[tokio::test]
async fn a_change_of_types_waits_for_a_unit_and_holds_up_no_claim() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    let mut unit = PgConnection::connect(&schema.url).await.unwrap();
    sqlx::raw_sql(
        schema.sql("BEGIN; SELECT id FROM {schema}.groups WHERE name = 'g' FOR KEY SHARE"),
    )
    .execute(&mut unit)
    .await
    .unwrap();
    let changing = {
        let backend = backend.clone();
        spawn(async move { register_for(&backend, "else", StartFrom::Beginning).await })
    };
    // The pump and other claims go on beside it.
    append(&backend, "a").await;
    assert_eq!(claim_and_ack(&backend, &group).await.len(), 1);
    assert!(!changing.is_finished());
    sqlx::raw_sql("COMMIT").execute(&mut unit).await.unwrap();
    changing.await.unwrap();
    append(&backend, "a").await;
    assert_eq!(claim_and_ack(&backend, &group).await, BTreeSet::new());
}

#[tokio::test]
async fn the_first_position_of_a_pristine_sequence_holds_the_horizon_back() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let horizon = async || -> i64 {
        let text = schema.sql("SELECT {schema}.horizon()");
        sqlx::query_scalar(text)
            .fetch_one(backend.pool())
            .await
            .unwrap()
    };
    assert_eq!(horizon().await, 0);
    let first = SlowWriter::append(&schema, "a").await;
    assert_eq!(first.position.get(), 1);
    append(&backend, "b").await;
    assert_eq!(horizon().await, 0);
    first.end("COMMIT").await;
    assert_eq!(horizon().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_over_several_streams_in_opposite_orders_do_not_deadlock() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let writers = (0..6).map(|n| {
        let backend = backend.clone();
        spawn(async move {
            for _ in 0..20 {
                let (one, other) = if n % 2 == 0 { ("a", "b") } else { ("b", "a") };
                let appends = vec![to(one, [event()]), to(other, [event()])];
                backend.append(appends).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let seqs: i64 = sqlx::query_scalar(schema.sql("SELECT max(version) FROM {schema}.streams"))
        .fetch_one(backend.pool())
        .await
        .unwrap();
    assert_eq!(seqs, 120);
}

#[tokio::test]
async fn everything_survives_the_loss_of_all_pooled_connections() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    append(&backend, "a").await;
    for name in ["a", "b", "c"] {
        terminate_pool(&schema, &backend).await;
        append(&backend, name).await;
    }
    terminate_pool(&schema, &backend).await;
    let claims = claim(&backend, &group).await;
    assert_eq!(claims.len(), 3);
    for claim in &claims {
        terminate_pool(&schema, &backend).await;
        let mut ack = progress(claim);
        ack.appends = vec![to("out", [event()])];
        assert_eq!(backend.ack(ack).await.unwrap().len(), 1);
    }
    terminate_pool(&schema, &backend).await;
    assert_eq!(common::log(&backend).await.len(), 7);
}

/// A transaction that nobody knows of would swallow what the next one stores.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "it is the call that is cut off")]
async fn acked_is_durable_on_a_connection_whose_last_user_was_cancelled() {
    let schema = Schema::new();
    let others = schema.connect().await;
    let backend = Postgres::builder(&schema.url).schema(&schema.name);
    let backend = backend.pool_size(1).connect().await.unwrap();
    for n in 0..100 {
        let unit = UnitCommit {
            appends: vec![to("cancelled", [event()])],
            ..UnitCommit::default()
        };
        let within = Duration::from_micros(20 * n);
        _ = tokio::time::timeout(within, backend.commit_unit(unit)).await;
        let stored = append(&backend, "acked").await;
        let log = common::log(&others).await;
        let last = log.last().map(|message| message.position);
        assert_eq!(last, Some(stored), "after {within:?}");
    }
}

/// Breaks every connection of the pool, as a restart of the server would, and waits until they are gone.
async fn terminate_pool(schema: &Schema, backend: &Postgres) {
    let mut pids = Vec::new();
    let mut held = Vec::new();
    while let Some(mut connection) = backend.pool().try_acquire() {
        // What was broken before is not noticed before it is used.
        let pid: Result<i32, _> = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut *connection)
            .await;
        pids.extend(pid);
        held.push(connection);
    }
    drop(held);
    let mut connection = PgConnection::connect(&schema.url).await.unwrap();
    sqlx::query("SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::int[]) AS pid")
        .bind(&pids[..])
        .execute(&mut connection)
        .await
        .unwrap();
}

/// Claims and acknowledges what there is, and gives the positions in the order of delivery.
async fn in_order(backend: &Postgres, group: &GroupId) -> Vec<Position> {
    let mut handled = Vec::new();
    for claim in claim(backend, group).await {
        let messages = claim.deliveries.iter().map(|next| &next.message);
        handled.extend(messages.map(|message| message.position));
        backend.ack(progress(&claim)).await.unwrap();
    }
    handled
}

#[tokio::test]
async fn in_global_order_whoever_commits_late_is_waited_for_and_never_skipped() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register_in(
        GroupOrder::Global,
        &backend,
        "happened",
        StartFrom::Beginning,
    )
    .await;
    let first = append(&backend, "quick").await;
    let slow = SlowWriter::append(&schema, "slow").await;
    let second = append(&backend, "quick").await;
    let rolled_back = SlowWriter::append(&schema, "never").await;
    let third = append(&backend, "quick").await;
    assert_eq!(in_order(&backend, &group).await, [first]);
    assert_eq!(in_order(&backend, &group).await, []);
    assert_eq!(
        backend
            .pending_lanes(std::slice::from_ref(&group))
            .await
            .unwrap(),
        1
    );
    let status = backend.groups().await.unwrap().remove(0);
    assert_eq!((status.sorted_upto, status.log_end), (first, third));
    let late = slow.end("COMMIT").await;
    assert_eq!(in_order(&backend, &group).await, [late, second]);
    rolled_back.end("ROLLBACK").await;
    assert_eq!(in_order(&backend, &group).await, [third]);
    assert_eq!(backend.pending_lanes(&[group]).await.unwrap(), 0);
}

#[tokio::test]
async fn in_global_order_a_group_from_now_gets_what_was_not_committed_then() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    append(&backend, "old").await;
    let slow = SlowWriter::append(&schema, "slow").await;
    let old = append(&backend, "old").await;
    let slower = SlowWriter::append(&schema, "slower").await;
    append(&backend, "old").await;
    let group = register_in(GroupOrder::Global, &backend, "happened", StartFrom::Now).await;
    assert!(slow.position < old);
    let later = append(&backend, "new").await;
    assert_eq!(in_order(&backend, &group).await, []);
    let late = slow.end("COMMIT").await;
    assert_eq!(in_order(&backend, &group).await, [late]);
    let latest = slower.end("COMMIT").await;
    assert_eq!(in_order(&backend, &group).await, [latest, later]);
    // In a replay the same come in the same order.
    let (all, beginning) = (ResetScope::All, ResetFrom::Beginning);
    backend.reset_group(&group, &all, beginning).await.unwrap();
    assert_eq!(in_order(&backend, &group).await, [late, latest, later]);
}

#[tokio::test]
async fn in_global_order_rare_types_of_a_long_log_are_found_and_an_idle_claim_writes_nothing() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    schema
        .execute(
            &backend,
            "INSERT INTO {schema}.streams (name, version, last_event_seq) SELECT 's' || n, 1, 1 FROM generate_series(1, 100000) AS n;
             INSERT INTO {schema}.messages (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, payload)
             SELECT n, n, 1, id, 'event', CASE WHEN n % 1000 = 0 THEN 'happened' ELSE 'other' END, id, id, now(), '{}'
               FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, 100000) AS n) AS new;
             SELECT setval('{schema}.position_seq', 100000);
             ANALYZE {schema}.streams; ANALYZE {schema}.messages;",
        )
        .await;
    let group = register_in(
        GroupOrder::Global,
        &backend,
        "happened",
        StartFrom::Beginning,
    )
    .await;
    let expected: Vec<Position> = (1..=100).map(|n| Position::new(n * 1_000)).collect();
    let mut handled = Vec::new();
    while handled.len() < expected.len() {
        handled.extend(in_order(&backend, &group).await);
    }
    assert_eq!(handled, expected);
    let slow = SlowWriter::append(&schema, "slow").await;
    append(&backend, "quick").await;
    let text = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
    let next = async || -> String {
        let next = sqlx::query_scalar(text).fetch_one(backend.pool());
        next.await.unwrap()
    };
    // Other tests share the server, and may write meanwhile: then it is tried again.
    let mut tries = 0..1_000;
    let is_idle = loop {
        let before = next().await;
        assert_eq!(claim(&backend, &group).await, []);
        if next().await == before {
            break true;
        }
        if tries.next().is_none() {
            break false;
        }
    };
    assert!(is_idle, "every claim was seen to write something");
    slow.end("COMMIT").await;
    assert_eq!(in_order(&backend, &group).await.len(), 2);
}

#[tokio::test]
async fn claiming_among_a_hundred_thousand_lanes_uses_the_indexes() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    register(&backend, StartFrom::Beginning).await;
    schema
        .execute(
            &backend,
            "INSERT INTO {schema}.streams (name, version, last_event_seq) SELECT 's' || n, 1, 1 FROM generate_series(1, 100000) AS n;
             INSERT INTO {schema}.lanes (group_id, stream_id, gen, state, head_seq, acked_seq, ready_pos)
             SELECT 1, n, 0, 'ready', 1, 0, n FROM generate_series(1, 100000) AS n;
             INSERT INTO {schema}.messages (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, payload)
             SELECT n, n, 1, id, 'event', 'happened', id, id, now(), '{}'
               FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, 100000) AS n) AS new;
             ANALYZE {schema}.lanes; ANALYZE {schema}.streams; ANALYZE {schema}.messages;",
        )
        .await;
    let text = include_str!("../src/sql/claim.sql")
        .replace("{share}", "50")
        .replace("{lanes}", "50")
        .replace("{messages}", "10")
        .replace("{bytes}", "1000000")
        .replace("$1", "ARRAY[1]")
        .replace("$2", "'00000000-0000-0000-0000-000000000001'")
        .replace("$3", "1000000");
    let plan: Vec<String> = sqlx::query_scalar(schema.sql(&format!("EXPLAIN\n{text}")))
        .fetch_all(backend.pool())
        .await
        .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("lanes_ready"), "{plan}");
    assert!(!plan.contains("Seq Scan on lanes"), "{plan}");
    assert!(!plan.contains("Seq Scan on streams"), "{plan}");
    assert!(!plan.contains("Seq Scan on messages"), "{plan}");

    for text in [
        "SELECT * FROM {schema}.group_work WHERE name = ANY($1)",
        include_str!("../src/sql/pending_lanes.sql"),
    ] {
        let text = text.replace("$1", "ARRAY['g']");
        let plan: Vec<String> = sqlx::query_scalar(schema.sql(&format!("EXPLAIN\n{text}")))
            .fetch_all(backend.pool())
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan on messages"), "{plan}");
    }
}

#[tokio::test]
async fn an_idle_claim_writes_nothing() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    append(&backend, "a").await;
    claim_and_ack(&backend, &group).await;
    // An id would be drawn by the first thing that is written.
    let next = async || -> String {
        let text = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
        sqlx::query_scalar(text)
            .fetch_one(backend.pool())
            .await
            .unwrap()
    };
    // Other tests share the server, and may write meanwhile: then it is tried again.
    for _ in 0..1_000 {
        let before = next().await;
        assert_eq!(claim(&backend, &group).await, []);
        if next().await == before {
            return;
        }
    }
    panic!("every claim was seen to write something");
}

/// A sync action made of a statement.
#[derive(Debug)]
struct Runs(&'static str);

#[async_trait::async_trait]
impl SyncAction for Runs {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        // Errors are swallowed here, as careless code may do.
        _ = sqlx::raw_sql(self.0).execute(tx.postgres()?).await;
        Ok(())
    }
}

#[tokio::test]
async fn a_sync_action_that_breaks_or_ends_the_transaction_fails_the_ack() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    append(&backend, "a").await;
    let claims = claim(&backend, &group).await;
    for statement in [
        "SELECT 1/0",
        "ROLLBACK",
        "COMMIT; BEGIN; CREATE TEMP TABLE t ()",
    ] {
        let mut ack = progress(&claims[0]);
        ack.appends = vec![to("out", [event()])];
        ack.syncs = vec![Arc::new(Runs(statement))];
        let error = backend.ack(ack).await.unwrap_err();
        assert!(matches!(error, AckError::Sync(_)), "{statement}: {error:?}");
    }
}

#[tokio::test]
async fn a_lane_in_a_slow_transaction_holds_up_no_other() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    append(&backend, "a").await;
    let claims = claim(&backend, &group).await;

    let mut slow = PgConnection::connect(&schema.url).await.unwrap();
    sqlx::raw_sql(schema.sql("BEGIN; UPDATE {schema}.lanes SET last_error = 'held'"))
        .execute(&mut slow)
        .await
        .unwrap();
    let later = append(&backend, "a").await;
    let other = append(&backend, "b").await;
    assert_eq!(
        claim_and_ack(&backend, &group).await,
        [("b".to_owned(), other.get())].into()
    );
    assert_eq!(
        backend
            .renew(&[claims[0].key.clone()], Duration::from_hours(1))
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        backend
            .pending_lanes(std::slice::from_ref(&group))
            .await
            .unwrap(),
        1
    );

    sqlx::raw_sql("COMMIT").execute(&mut slow).await.unwrap();
    backend.ack(progress(&claims[0])).await.unwrap();
    assert_eq!(
        claim_and_ack(&backend, &group).await,
        [("a".to_owned(), later.get())].into()
    );
    assert_eq!(backend.pending_lanes(&[group]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_replay_is_marked_and_fences_who_holds_the_lane() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let group = register(&backend, StartFrom::Beginning).await;
    let first = append(&backend, "a").await;
    claim_and_ack(&backend, &group).await;
    let second = append(&backend, "a").await;
    let held = claim(&backend, &group).await;
    schema
        .execute(&backend, "SELECT {schema}.reset_group('g', NULL, 0, NULL)")
        .await;
    let claims = claim(&backend, &group).await;
    let deliveries = claims[0].deliveries.iter();
    let deliveries: Vec<_> = deliveries
        .map(|next| (next.message.position, next.replaying))
        .collect();
    assert_eq!(deliveries, [(first, true), (second, false)]);
    assert!(
        backend
            .ack(progress(&held[0]))
            .await
            .unwrap_err()
            .is_fenced()
    );
    backend.ack(progress(&claims[0])).await.unwrap();
}

#[tokio::test]
async fn a_claim_shares_the_lanes_fairly_and_uses_them_all() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let groups: Vec<_> = ["a", "b", "c"]
        .map(|name| GroupId::new(name).unwrap())
        .into();
    for id in &groups {
        let types = vec![TypeName::new("happened").unwrap()];
        let group = Group {
            id: id.clone(),
            types,
            start_from: StartFrom::Beginning,
            order: GroupOrder::PerStream,
        };
        backend.register_group(&group).await.unwrap();
    }
    for n in 0..6 {
        append(&backend, &format!("s-{n}")).await;
    }
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(unique()),
        groups: groups.clone(),
        lanes: 8,
        messages_per_lane: 1,
        bytes: usize::MAX,
        lease: Duration::from_hours(1),
        stretches: Vec::new(),
    };
    let mut shares = Vec::new();
    for _ in 0..3 {
        let claims = backend.claim(&request).await.unwrap();
        let count = |id: &GroupId| claims.iter().filter(|claim| claim.key.group == *id).count();
        let mut share: Vec<_> = groups.iter().map(count).collect();
        share.sort_unstable();
        shares.push(share);
    }
    assert_eq!(shares[0], [2, 3, 3]);
    assert_eq!(shares.concat().iter().sum::<usize>(), 18);
}

#[expect(clippy::disallowed_methods, reason = "a test may start tasks")]
fn spawn<F: Future<Output: Send + 'static> + Send + 'static>(
    future: F,
) -> tokio::task::JoinHandle<F::Output> {
    tokio::spawn(future)
}

/// The server has crashed before it had written down which numbers were drawn for nothing.
#[tokio::test]
async fn never_skipped_where_the_sequence_goes_back() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    append(&backend, "a").await;
    let draw = "SELECT nextval('{schema}.position_seq') FROM generate_series(1, 10)";
    schema.execute(&backend, draw).await;
    let read = ReadLog::new(Selection::all());
    let page = backend.read_log(&read).await.unwrap();
    let go_back =
        "SELECT setval('{schema}.position_seq', (SELECT max(position) FROM {schema}.messages))";
    schema.execute(&backend, go_back).await;
    append(&backend, "a").await;
    let next = backend.read_log(&read.beyond(&page)).await.unwrap();
    assert_eq!((page.messages.len(), next.messages.len()), (1, 1));
}
