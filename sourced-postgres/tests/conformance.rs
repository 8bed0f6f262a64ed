//! The suite every backend must pass, on PostgreSQL.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::time::Duration;

use common::Schema;
use sourced::env::{Clock as _, SystemClock};
use sourced::{MessageId, Timestamp};
use sourced_postgres::Postgres;
use sourced_testing::conformance::Harness;

struct OnPostgres;

impl Harness for OnPostgres {
    type Backend = Postgres;
    type Guard = Schema;

    async fn fresh(&self) -> (Postgres, Schema) {
        let schema = Schema::new();
        (schema.connect().await, schema)
    }

    async fn another(&self, _: &Postgres, schema: &Schema) -> Postgres {
        schema.connect().await
    }

    async fn advance(&self, backend: &Postgres, schema: &Schema, by: Duration) {
        schema.advance(backend, by).await;
    }

    async fn damage(&self, backend: &Postgres, schema: &Schema, message: MessageId) -> bool {
        let text = "UPDATE {schema}.messages SET metadata = '[1]' WHERE id = $1";
        let damage = sqlx::query(schema.sql(text)).bind(message.as_uuid());
        damage.execute(backend.pool()).await.unwrap();
        true
    }

    fn gives_stretches(&self) -> bool {
        true
    }

    fn now(&self, _: &Schema) -> Timestamp {
        SystemClock.now()
    }
}

sourced_testing::conformance!(OnPostgres);
