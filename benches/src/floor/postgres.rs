//! The floor on Postgres.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{Added, Row, Stored, Tables};
use crate::storage::{POOL, Place};

const TABLES: &str = "
    CREATE TABLE messages (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        stream text COLLATE \"C\" NOT NULL,
        seq bigint NOT NULL,
        id uuid NOT NULL UNIQUE,
        kind text NOT NULL,
        type text NOT NULL,
        payload json NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        pending boolean NOT NULL,
        UNIQUE (stream, seq)
    );
    CREATE INDEX ON messages (position) WHERE pending;
    CREATE TABLE totals (cart text COLLATE \"C\" PRIMARY KEY, pieces bigint NOT NULL, cents bigint NOT NULL);
    CREATE TABLE cursor (position bigint NOT NULL);
    INSERT INTO cursor VALUES (0);
";
const INSERT: &str = "
    INSERT INTO messages (stream, seq, id, kind, type, payload, pending)
    SELECT stream, seq, id, kind, type, payload::json, pending
      FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::boolean[])
        AS m (stream, seq, id, kind, type, payload, pending)";
/// The stream of the message that is done is that of the first new one; its seq is the one before.
const INSERT_AND_END: &str = "
    WITH done AS (UPDATE messages SET pending = false WHERE stream = ($1::text[])[1] AND seq = ($2::bigint[])[1] - 1 AND id = $8)
    INSERT INTO messages (stream, seq, id, kind, type, payload, pending)
    SELECT stream, seq, id, kind, type, payload::json, pending
      FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::boolean[])
        AS m (stream, seq, id, kind, type, payload, pending)";
const EVENTS: &str = "SELECT seq, type, payload::text FROM messages WHERE stream = $1 AND kind = 'event' ORDER BY seq";
const PAGE: &str = "SELECT position, type, payload::text, stream FROM messages WHERE position > $1 ORDER BY position LIMIT $2";
const MOVE_ON: &str = "UPDATE cursor SET position = $1";
const PROJECT: &str = "
    WITH moved AS (UPDATE cursor SET position = $4)
    INSERT INTO totals SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
    ON CONFLICT (cart) DO UPDATE SET pieces = totals.pieces + excluded.pieces, cents = totals.cents + excluded.cents";

pub(super) struct Postgres(PgPool);

impl Postgres {
    pub(super) async fn open(place: &Place) -> anyhow::Result<Self> {
        let options =
            PgConnectOptions::from_str(&Place::url()?)?.options([("search_path", &place.schema)]);
        let pool = PgPoolOptions::new()
            .max_connections(POOL)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {}", place.schema)))
            .execute(&pool)
            .await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self(pool))
    }
}

#[async_trait]
impl Tables for Postgres {
    async fn insert(&self, rows: Vec<Row>, done: Option<Uuid>) -> anyhow::Result<bool> {
        let query = sqlx::query(if done.is_some() {
            INSERT_AND_END
        } else {
            INSERT
        })
        .bind(
            rows.iter()
                .map(|row| row.stream.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(rows.iter().map(|row| row.seq).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.type_name).collect::<Vec<_>>())
        .bind(
            rows.iter()
                .map(|row| row.payload.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(rows.iter().map(|row| row.pending).collect::<Vec<_>>());
        let query = match done {
            Some(done) => query.bind(done),
            None => query,
        };
        match query.execute(&self.0).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            result => Ok(result.map(|_| true)?),
        }
    }

    async fn events(&self, stream: &str) -> anyhow::Result<Vec<Stored>> {
        let rows = sqlx::query(EVENTS).bind(stream).fetch_all(&self.0).await?;
        Ok(rows
            .iter()
            .map(|row| stored(row, stream.to_owned()))
            .collect())
    }

    async fn page(&self, after: i64, limit: usize) -> anyhow::Result<Vec<Stored>> {
        let rows = sqlx::query(PAGE)
            .bind(after)
            .bind(limit as i64)
            .fetch_all(&self.0)
            .await?;
        Ok(rows.iter().map(|row| stored(row, row.get(3))).collect())
    }

    async fn move_on(&self, cursor: i64) -> anyhow::Result<()> {
        let query = sqlx::query(MOVE_ON).bind(cursor);
        query.execute(&self.0).await?;
        Ok(())
    }

    async fn project(&self, cursor: i64, added: BTreeMap<String, Added>) -> anyhow::Result<()> {
        let query = sqlx::query(PROJECT)
            .bind(added.keys().map(String::as_str).collect::<Vec<_>>())
            .bind(added.values().map(|added| added.pieces).collect::<Vec<_>>())
            .bind(added.values().map(|added| added.cents).collect::<Vec<_>>())
            .bind(cursor);
        query.execute(&self.0).await?;
        Ok(())
    }
}

fn stored(row: &PgRow, stream: String) -> Stored {
    Stored {
        place: row.get(0),
        stream,
        type_name: row.get(1),
        payload: row.get(2),
    }
}
