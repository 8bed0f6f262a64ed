//! The tests' own table, and transactions of their own, in the database of a backend.

use std::any::Any;
use std::time::Duration;

use sourced::UnitError;
use sourced::backend::JoinError;
use sourced::prelude::*;
use sourced::{Outgoing, Unit, UnitOutcome};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::backends::On;

/// The database of a backend, as the program itself uses it.
pub enum Own {
    Sqlite(SqlitePool),
    Postgres(PgPool, String),
}

/// A transaction that the program has begun.
pub enum OwnTx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>, String),
}

impl Own {
    /// With an empty table. In memory there is no database, which is all there is to test then.
    pub async fn of(on: &On) -> Option<Self> {
        match on {
            On::Memory(_) => {
                let app = on.builder().register::<crate::shop::Till>();
                let app = app.resource(crate::shop::Stage::new()).build().await;
                let unit = app.unwrap().unit();
                let sell = crate::shop::sell("tea").to("till-1");
                match unit.handle_in(&mut "a connection", sell).await {
                    Err(UnitError::Join(JoinError::Unsupported)) => None,
                    result => panic!("joined what is not there: {result:?}"),
                }
            }
            On::Sqlite(_, folder) => {
                let options = SqliteConnectOptions::new()
                    .filename(folder.path().join("shop.db"))
                    // Whoever is quicker gets the lock, and others are quicker for a long time.
                    .busy_timeout(Duration::from_mins(1));
                let pool = SqlitePoolOptions::new().max_connections(16);
                let pool = pool.connect_with(options).await.unwrap();
                let create = sqlx::raw_sql("CREATE TABLE own (text TEXT)").execute(&pool);
                create.await.unwrap();
                Some(Self::Sqlite(pool))
            }
            On::Postgres(backend) => {
                let (pool, table) = (backend.pool().clone(), format!("{}.own", backend.schema()));
                let create = AssertSqlSafe(format!("CREATE TABLE {table} (text text)"));
                sqlx::raw_sql(create).execute(&pool).await.unwrap();
                Some(Self::Postgres(pool, table))
            }
        }
    }

    pub async fn begin(&self) -> OwnTx {
        match self {
            Self::Sqlite(pool) => OwnTx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await.unwrap()),
            Self::Postgres(pool, table) => {
                OwnTx::Postgres(pool.begin().await.unwrap(), table.clone())
            }
        }
    }

    /// How many transactions can be open at once: SQLite has one writer, and a pool so many connections.
    pub fn most_at_once(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(pool, _) => pool.options().get_max_connections() as usize,
        }
    }

    pub async fn n_rows(&self) -> i64 {
        self.n_rows_of("ours").await
    }

    /// How many rows have this text.
    pub async fn n_rows_of(&self, text: &str) -> i64 {
        match self {
            Self::Sqlite(pool) => {
                let count = sqlx::query_scalar("SELECT count(*) FROM own WHERE text = ?1");
                count.bind(text).fetch_one(pool).await.unwrap()
            }
            Self::Postgres(pool, table) => {
                let count = format!("SELECT count(*) FROM {table} WHERE text = $1");
                let count = sqlx::query_scalar(AssertSqlSafe(count));
                count.bind(text).fetch_one(pool).await.unwrap()
            }
        }
    }
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Commit,
    RollBack,
    /// It is forgotten.
    Drop,
}

impl OwnTx {
    pub async fn write(&mut self) {
        self.try_write("ours").await.unwrap();
    }

    pub async fn try_write(&mut self, text: &str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => {
                let insert = sqlx::query("INSERT INTO own VALUES (?1)").bind(text);
                insert.execute(&mut **tx).await.map(drop)
            }
            Self::Postgres(tx, table) => {
                let insert = AssertSqlSafe(format!("INSERT INTO {table} VALUES ($1)"));
                let insert = sqlx::query(insert).bind(text);
                insert.execute(&mut **tx).await.map(drop)
            }
        }
    }

    /// The connection that it is in.
    pub fn connection(&mut self) -> &mut (dyn Any + Send) {
        match self {
            Self::Sqlite(tx) => tx,
            Self::Postgres(tx, _) => tx,
        }
    }

    pub async fn handle(
        &mut self,
        unit: &Unit,
        command: impl Into<Outgoing>,
    ) -> Result<UnitOutcome, UnitError> {
        match self {
            Self::Sqlite(tx) => unit.handle_in(tx, command).await,
            // The connection that it is in will do as well.
            Self::Postgres(tx, _) => unit.handle_in(&mut **tx, command).await,
        }
    }

    pub async fn commit(self) {
        self.end(End::Commit).await.unwrap();
    }

    pub async fn rollback(self) {
        self.end(End::RollBack).await.unwrap();
    }

    pub async fn end(self, end: End) -> Result<(), sqlx::Error> {
        match (self, end) {
            (Self::Sqlite(tx), End::Commit) => tx.commit().await,
            (Self::Sqlite(tx), End::RollBack) => tx.rollback().await,
            (Self::Postgres(tx, _), End::Commit) => tx.commit().await,
            (Self::Postgres(tx, _), End::RollBack) => tx.rollback().await,
            (_, End::Drop) => Ok(()),
        }
    }
}
