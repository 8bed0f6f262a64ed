//! The suite every backend must pass, on connections that keep nothing from one transaction to the next, as those behind
//! a pooler in transaction mode do not. `SOURCED_TEST_POOLER_URL` names a real one to test with.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::time::Duration;

use common::Schema;
use common::forgetful::Forgetful;
use sourced::Timestamp;
use sourced::env::{Clock as _, SystemClock};
use sourced_postgres::Postgres;
use sourced_testing::conformance::Harness;

struct Pooled;

/// The pooler goes first.
struct Guard {
    pooler: Option<Forgetful>,
    schema: Schema,
}

impl Guard {
    fn url(&self) -> String {
        match &self.pooler {
            Some(pooler) => pooler.url(),
            None => std::env::var("SOURCED_TEST_POOLER_URL").unwrap(),
        }
    }

    async fn connect(&self) -> Postgres {
        let builder = Postgres::builder(&self.url()).schema(&self.schema.name);
        let builder = builder.pool_size(6).transaction_pooler();
        builder
            .listen_url(&self.schema.url)
            .connect()
            .await
            .unwrap()
    }
}

impl Harness for Pooled {
    type Backend = Postgres;
    type Guard = Guard;

    async fn fresh(&self) -> (Postgres, Guard) {
        let schema = Schema::new();
        let pooler = match std::env::var_os("SOURCED_TEST_POOLER_URL") {
            Some(_) => None,
            None => Some(Forgetful::before(&schema.url).await),
        };
        let guard = Guard { pooler, schema };
        (guard.connect().await, guard)
    }

    async fn another(&self, _: &Postgres, guard: &Guard) -> Postgres {
        guard.connect().await
    }

    async fn advance(&self, backend: &Postgres, guard: &Guard, by: Duration) {
        guard.schema.advance(backend, by).await;
    }

    fn gives_stretches(&self) -> bool {
        true
    }

    fn now(&self, _: &Guard) -> Timestamp {
        SystemClock.now()
    }
}

sourced_testing::conformance!(Pooled);
