//! What a role must be allowed: the rights that `docs/operations.md` lists, and no more.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use common::Schema;
use sourced::backend::BackendError;
use sourced::prelude::*;
use sourced::{Reader, Selection};
use sourced_postgres::{Postgres, PostgresBuilder};
use sqlx::{Connection as _, PgConnection};

#[derive(Debug, Default)]
struct Bell;

#[actor]
impl Bell {
    #[command]
    fn ring(&self, bell_id: u64) -> Rung {
        Rung { bell_id }
    }
    #[event]
    fn rung(&mut self, _bell_id: u64) {}
}

#[derive(Debug, PartialEq, Projection)]
struct Count {
    #[key]
    bell_id: u64,
    n_rung: u32,
}

#[projector]
impl Count {
    #[event]
    fn rung(row: Option<Self>, event: &Rung) -> Self {
        let n_before = row.map_or(0, |row| row.n_rung);
        Self {
            bell_id: event.bell_id,
            n_rung: n_before + 1,
        }
    }
}

async fn execute(schema: &Schema, text: &str) {
    let mut connection = PgConnection::connect(&schema.url).await.unwrap();
    let text = schema.sql(text);
    sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
}

/// A schema, and a role of its name that may log in and nothing else.
struct Role {
    schema: Schema,
    url: String,
}

impl Role {
    async fn new() -> Self {
        let schema = Schema::new();
        execute(&schema, "CREATE ROLE {schema} LOGIN").await;
        // The server of the tests trusts everybody.
        let url = schema.url.replace("sourced@", &format!("{}@", schema.name));
        Self { schema, url }
    }

    fn builder(&self) -> PostgresBuilder {
        Postgres::builder(&self.url)
            .schema(&self.schema.name)
            .pool_size(3)
    }

    async fn is_given(&self, text: &str) {
        execute(&self.schema, text).await;
    }
}

async fn does_all_its_work(backend: Postgres) {
    let builder = App::builder().backend(backend);
    let app = builder.register::<Bell>().build().await.unwrap();
    let running = app.start();
    let bell = app.actor::<Bell>("bell-1");
    bell.ring(1).await.unwrap();
    app.dispatch(Ring { bell_id: 1 }.to("bell-1"))
        .await
        .unwrap();
    let later = Ring { bell_id: 1 }
        .to("bell-1")
        .after(std::time::Duration::from_millis(1));
    app.dispatch(later).await.unwrap().outcome().await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    assert!(app.health().await.is_ok());
    app.group::<Bell>()
        .reset(sourced::backend::ResetFrom::Beginning)
        .await
        .unwrap();
    assert!(app.idle().await.unwrap().is_done());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_owns_the_schema_may_not_create_one_and_need_not() {
    let role = Role::new().await;
    role.is_given("CREATE SCHEMA {schema} AUTHORIZATION {schema}")
        .await;
    let backend = role.builder().connect().await.unwrap();
    does_all_its_work(backend.clone()).await;
    let builder = App::builder().backend(backend);
    let app = builder
        .register::<Bell>()
        .register::<Count>()
        .build()
        .await
        .unwrap();
    let running = app.start();
    assert!(app.idle().await.unwrap().is_done());
    app.group::<Count>().rebuild().await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(
        app.rows::<Count>().all().await.unwrap(),
        [Count {
            bell_id: 1,
            n_rung: 3
        }]
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_only_works_needs_the_rights_that_are_listed() {
    let role = Role::new().await;
    drop(role.schema.connect().await);
    role.is_given(
        "GRANT USAGE ON SCHEMA {schema} TO {schema};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema};
         GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {schema};",
    )
    .await;
    does_all_its_work(role.builder().without_migrating().connect().await.unwrap()).await;
    // It finds the schema up to date, so it may leave it to itself, too.
    drop(role.builder().connect().await.unwrap());
}

#[tokio::test]
async fn a_role_that_only_reads_needs_the_rights_that_are_listed() {
    let role = Role::new().await;
    drop(role.schema.connect().await);
    role.is_given(
        "GRANT USAGE ON SCHEMA {schema} TO {schema};
         GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {schema};
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {schema};",
    )
    .await;
    let reader = Reader::new(role.builder().connect_read_only().await.unwrap());
    assert_eq!(reader.log(Selection::all()).count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_sequence_left_behind_by_a_logical_replication_is_told() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let app = App::builder().backend(backend.clone()).register::<Bell>();
    let app = app.build().await.unwrap();
    app.actor::<Bell>("bell-1").ring(1).await.unwrap();
    let restart = "ALTER SEQUENCE {schema}.position_seq RESTART";
    schema.execute(&backend, restart).await;
    let connect = || {
        Postgres::builder(&schema.url)
            .schema(&schema.name)
            .connect()
    };
    let Err(BackendError::Corrupt(told)) = connect().await else {
        panic!("nothing is told")
    };
    // It says what to run.
    let (_, rest) = told.split_once('`').unwrap();
    let (text, _) = rest.split_once('`').unwrap();
    schema.execute(&backend, text).await;
    connect().await.unwrap();
}
