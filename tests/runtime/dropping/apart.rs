//! Fresh stores, each apart from all others.

use sourced_postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::backends::On;

/// A fresh store that nobody else uses, nor anything near it.
pub struct Apart {
    pub on: On,
    pub rest: Rest,
}

impl Apart {
    pub async fn like(on: &On) -> Self {
        let rest = match on {
            On::Postgres(_) => Rest::database().await,
            _ => Rest(None),
        };
        let on = match on {
            On::Memory(_) => On::memory().await,
            On::Sqlite(..) => On::sqlite().await,
            On::Postgres(_) => {
                let backend = Postgres::builder(&rest.url())
                    .schema("dropping")
                    .pool_size(6);
                On::Postgres(backend.connect().await.unwrap())
            }
        };
        Self { on, rest }
    }
}

/// A database of its own on the server, so that its connections and locks can be told from those of others.
pub struct Rest(Option<String>);

impl Rest {
    async fn database() -> Self {
        let id = sourced::env::Env::system().ids.next_id();
        let rest = Self(Some(format!("dropping_{}", id.simple())));
        rest.tell_server("CREATE DATABASE").await;
        rest
    }

    pub fn url(&self) -> String {
        let Some(name) = &self.0 else {
            return String::new();
        };
        let url = sourced_testing::postgres::test_url();
        let (server, _) = url.rsplit_once('/').unwrap();
        format!("{server}/{name}")
    }

    /// Which fails while anybody is connected.
    pub async fn remove(self) {
        self.tell_server("DROP DATABASE").await;
    }

    async fn tell_server(&self, what: &str) {
        let Some(name) = &self.0 else {
            return;
        };
        let url = sourced_testing::postgres::test_url();
        let mut server = PgConnection::connect(&url).await.unwrap();
        let text = AssertSqlSafe(format!("{what} {name}"));
        sqlx::raw_sql(text).execute(&mut server).await.unwrap();
        server.close().await.unwrap();
    }
}
