//! Migrations: from every older version, by a program or by hand.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::time::Duration;

use common::Schema;
use sourced::backend::{
    Ack, BackendError, ClaimRequest, Claims as _, Groups as _, Log as _, Quarantine as _, ReadLog,
    ReadStream, Selection, Snapshots as _, WorkerId,
};
use sourced::env::Env;
use sourced::{GroupId, StreamId};
use sourced_postgres::{InvalidMigration, Postgres, SCHEMA_VERSION, migration_sql};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

async fn connection(schema: &Schema) -> PgConnection {
    PgConnection::connect(&schema.url).await.unwrap()
}

async fn run(schema: &Schema, from: i64, to: i64) -> Result<(), sqlx::Error> {
    let sql = migration_sql(&schema.name, from, to).unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection(schema).await)
        .await;
    done.map(drop)
}

async fn connect_without_migrating(schema: &Schema) -> Result<Postgres, BackendError> {
    let builder = Postgres::builder(&schema.url).schema(&schema.name);
    builder.without_migrating().connect().await
}

/// What a schema of an early version holds: two of three messages of `a` are left to do, and `b` is parked.
async fn populate(schema: &Schema, version: i64) {
    let (column, value) = if version < 4 {
        (", types_version", ", 0")
    } else {
        ("", "")
    };
    let snapshot = if version < 3 {
        ""
    } else {
        "INSERT INTO {schema}.snapshots (actor, stream, seq, fingerprint, state) VALUES ('cart', 'a', 2, 7, '1');"
    };
    let event = if version < 13 {
        ""
    } else {
        "UPDATE {schema}.snapshots SET event = (SELECT id FROM {schema}.messages WHERE stream_id = 1 AND seq = 2);"
    };
    let failure = if version < 7 {
        ""
    } else {
        "UPDATE {schema}.lanes SET failed_pos = 4, failing_since = now(), failed_at = now() WHERE attempts > 0;"
    };
    let text = format!(
        "INSERT INTO {{schema}}.streams (name, version, last_event_seq) VALUES ('a', 3, 3), ('b', 1, 1);
         INSERT INTO {{schema}}.messages (position, stream_id, seq, id, kind, type, causation_id, correlation_id, created_at, payload)
         SELECT nextval('{{schema}}.position_seq'), stream, seq, id, 'event', 'test.happened', id, id, now(), '{{}}'
           FROM (VALUES (1, 1), (1, 2), (1, 3), (2, 1)) AS m (stream, seq), LATERAL (SELECT gen_random_uuid() AS id, m.seq AS nth) AS i;
         INSERT INTO {{schema}}.groups (name, types, start_pos, start_gaps, hi, gaps) VALUES ('cart', '{{test.happened}}', 0, '{{}}', 4, '{{}}');
         INSERT INTO {{schema}}.lanes (group_id, stream_id, gen, state, head_seq, acked_seq, acked_pos, max_seq, ready_pos, attempts, last_error{column})
         VALUES (1, 1, 0, 'ready', 3, 1, 1, 1, 2, 0, NULL{value}), (1, 2, 0, 'parked', 1, 0, 0, 0, 4, 3, 'broken'{value});
         {snapshot} {event} {failure}"
    );
    sqlx::raw_sql(schema.sql(&text))
        .execute(&mut connection(schema).await)
        .await
        .unwrap();
}

async fn everything_is_there(backend: &Postgres, has_snapshot: bool) {
    let (cart, a) = (GroupId::new("cart").unwrap(), StreamId::new("a").unwrap());
    let page = backend.read_log(&ReadLog::new(Selection::all())).await;
    let log = page.unwrap().messages;
    assert_eq!(log.len(), 4);
    let all = backend.read_stream(ReadStream::all(a.clone())).await;
    assert_eq!(all.unwrap(), log[..3]);
    let snapshot = backend.snapshot(&cart, &a).await.unwrap();
    assert_eq!(snapshot.is_some(), has_snapshot);

    let parked = backend.parked(&cart, None, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].attempts, 3);
    assert_eq!(parked[0].failure.error, "broken");
    assert_eq!(parked[0].failure.message, log[3].id);
    let b = &parked[0].stream;
    backend.retry_parked(&cart, b, "mended").await.unwrap();

    let request = ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![cart.clone()],
        lanes: 10,
        messages_per_lane: 10,
        bytes: usize::MAX,
        lease: Duration::from_mins(1),
        stretches: Vec::new(),
    };
    let claims = backend.claim(&request).await.unwrap();
    let mut delivered = Vec::new();
    for claim in claims {
        for delivery in &claim.deliveries {
            assert!(!delivery.replaying);
            delivered.push(delivery.message.clone());
        }
        let ack = Ack {
            upto: claim.deliveries.last().unwrap().message.position,
            claim: claim.key,
            appends: Vec::new(),
            schedules: Vec::new(),
            refusals: Vec::new(),
            syncs: Vec::new(),
        };
        backend.ack(ack).await.unwrap();
    }
    assert_eq!(delivered, log[1..]);
    assert_eq!(backend.groups().await.unwrap()[0].lag(), 0);
}

#[tokio::test]
async fn every_older_version_is_brought_up_to_date_with_all_it_holds() {
    for version in 1..SCHEMA_VERSION {
        let schema = Schema::new();
        run(&schema, 0, version).await.unwrap();
        populate(&schema, version).await;
        let backend = schema.connect().await;
        everything_is_there(&backend, version >= 3).await;
    }
}

#[tokio::test]
async fn every_older_version_is_brought_up_to_date_by_hand() {
    for version in 1..SCHEMA_VERSION {
        let schema = Schema::new();
        run(&schema, 0, version).await.unwrap();
        populate(&schema, version).await;
        run(&schema, version, SCHEMA_VERSION).await.unwrap();
        let backend = connect_without_migrating(&schema).await.unwrap();
        everything_is_there(&backend, version >= 3).await;
    }
}

#[tokio::test]
async fn who_must_not_migrate_is_told_and_changes_nothing() {
    let schema = Schema::new();
    let told = |result: Result<Postgres, BackendError>| match result.unwrap_err() {
        BackendError::Schema { found, known } => {
            assert_eq!(known, SCHEMA_VERSION);
            found
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(told(connect_without_migrating(&schema).await), 0);
    run(&schema, 0, 2).await.unwrap();
    assert_eq!(told(connect_without_migrating(&schema).await), 2);
    assert_eq!(told(connect_without_migrating(&schema).await), 2);
    let newer = schema.sql("INSERT INTO {schema}.migrations (version) VALUES (1000)");
    let mut connection = connection(&schema).await;
    sqlx::raw_sql(newer).execute(&mut connection).await.unwrap();
    assert_eq!(told(connect_without_migrating(&schema).await), 1000);
}

#[tokio::test]
async fn sql_for_another_version_changes_nothing() {
    let schema = Schema::new();
    run(&schema, 0, 2).await.unwrap();
    for (from, to) in [(1, 3), (3, 4), (0, 1)] {
        assert!(run(&schema, from, to).await.is_err(), "{from} to {to}");
    }
    let version: i64 =
        sqlx::query_scalar(schema.sql("SELECT max(version) FROM {schema}.migrations"))
            .fetch_one(&mut connection(&schema).await)
            .await
            .unwrap();
    assert_eq!(version, 2);
    run(&schema, 2, SCHEMA_VERSION).await.unwrap();
    connect_without_migrating(&schema).await.unwrap();
}

#[test]
fn there_is_no_way_back_nor_beyond() {
    for (from, to) in [(3, 2), (-1, 2), (0, SCHEMA_VERSION + 1)] {
        let error = migration_sql("sourced", from, to).unwrap_err();
        assert_eq!(error, InvalidMigration::Versions { from, to });
    }
    let error = migration_sql("a\"b", 0, 1).unwrap_err();
    assert!(matches!(error, InvalidMigration::Name(_)), "{error}");
}
