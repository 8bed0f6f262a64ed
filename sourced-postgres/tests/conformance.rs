//! The suite every backend must pass, on PostgreSQL.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::time::Duration;

use common::Schema;
use sourced::Timestamp;
use sourced::env::{Clock as _, SystemClock};
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

    fn gives_stretches(&self) -> bool {
        true
    }

    fn now(&self, _: &Schema) -> Timestamp {
        SystemClock.now()
    }
}

sourced_testing::conformance!(OnPostgres);
