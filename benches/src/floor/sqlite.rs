//! The floor on SQLite: one connection that writes, some that read.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row as _};
use uuid::Uuid;

use super::{Added, Row, Stored, Tables};
use crate::storage::{Place, READERS, Storage};

const TABLES: &str = "
    CREATE TABLE messages (
        position INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        seq INTEGER NOT NULL,
        id BLOB NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        type TEXT NOT NULL,
        payload TEXT NOT NULL,
        created_at INTEGER NOT NULL DEFAULT (unixepoch()),
        pending INTEGER NOT NULL,
        UNIQUE (stream, seq)
    ) STRICT;
    CREATE INDEX messages_pending ON messages (position) WHERE pending;
    CREATE TABLE totals (cart TEXT PRIMARY KEY, pieces INTEGER NOT NULL, cents INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE cursor (position INTEGER NOT NULL) STRICT;
    INSERT INTO cursor VALUES (0);
";
const INSERT: &str = "INSERT INTO messages (stream, seq, id, kind, type, payload, pending) ";
const END: &str = "UPDATE messages SET pending = 0 WHERE stream = $1 AND seq = $2 AND id = $3";
const EVENTS: &str =
    "SELECT seq, type, payload FROM messages WHERE stream = $1 AND kind = 'event' ORDER BY seq";
const PAGE: &str = "SELECT position, type, payload, stream FROM messages WHERE position > $1 ORDER BY position LIMIT $2";
const MOVE_ON: &str = "UPDATE cursor SET position = $1";

pub(super) struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    pub(super) async fn open(place: &Place) -> anyhow::Result<Self> {
        let synchronous = match place.storage {
            Storage::SqliteNormal => SqliteSynchronous::Normal,
            _ => SqliteSynchronous::Full,
        };
        let options = SqliteConnectOptions::new()
            .filename(place.file())
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        sqlx::raw_sql(TABLES).execute(&writer).await?;
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Self { writer, readers })
    }
}

#[async_trait]
impl Tables for Sqlite {
    async fn insert(&self, rows: Vec<Row>, done: Option<Uuid>) -> anyhow::Result<bool> {
        let before = rows.first().map(|row| (row.stream.clone(), row.seq - 1));
        let mut insert = QueryBuilder::new(INSERT);
        insert.push_values(rows, |mut values, row| {
            values
                .push_bind(row.stream)
                .push_bind(row.seq)
                .push_bind(row.id)
                .push_bind(row.kind);
            values
                .push_bind(row.type_name)
                .push_bind(row.payload)
                .push_bind(row.pending);
        });
        let result = match (done, before) {
            (Some(done), Some((stream, seq))) => {
                let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::query(END)
                    .bind(stream)
                    .bind(seq)
                    .bind(done)
                    .execute(&mut *tx)
                    .await?;
                let result = insert.build().execute(&mut *tx).await;
                if result.is_ok() {
                    tx.commit().await?;
                }
                result
            }
            // A statement is a transaction.
            _ => insert.build().execute(&self.writer).await,
        };
        match result {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            result => Ok(result.map(|_| true)?),
        }
    }

    async fn events(&self, stream: &str) -> anyhow::Result<Vec<Stored>> {
        let rows = sqlx::query(EVENTS)
            .bind(stream)
            .fetch_all(&self.readers)
            .await?;
        Ok(rows
            .iter()
            .map(|row| stored(row, stream.to_owned()))
            .collect())
    }

    async fn page(&self, after: i64, limit: usize) -> anyhow::Result<Vec<Stored>> {
        let rows = sqlx::query(PAGE)
            .bind(after)
            .bind(limit as i64)
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.iter().map(|row| stored(row, row.get(3))).collect())
    }

    async fn move_on(&self, cursor: i64) -> anyhow::Result<()> {
        let query = sqlx::query(MOVE_ON).bind(cursor);
        query.execute(&self.writer).await?;
        Ok(())
    }

    async fn project(&self, cursor: i64, added: BTreeMap<String, Added>) -> anyhow::Result<()> {
        let mut upsert = QueryBuilder::new("INSERT INTO totals (cart, pieces, cents) ");
        upsert.push_values(added, |mut values, (cart, added)| {
            values
                .push_bind(cart)
                .push_bind(added.pieces)
                .push_bind(added.cents);
        });
        upsert.push(" ON CONFLICT (cart) DO UPDATE SET pieces = pieces + excluded.pieces, cents = cents + excluded.cents");
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        upsert.build().execute(&mut *tx).await?;
        sqlx::query(MOVE_ON).bind(cursor).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }
}

fn stored(row: &SqliteRow, stream: String) -> Stored {
    Stored {
        place: row.get(0),
        stream,
        type_name: row.get(1),
        payload: row.get(2),
    }
}
