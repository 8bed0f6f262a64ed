//! Migrations: setting the schema up, and bringing an older one up to date.

use sourced::backend::BackendError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::error::backend_error;
use crate::sql::SchemaName;

/// Each brings the schema from its index to the next version. What was published is never changed.
const MIGRATIONS: [&str; 7] = [
    include_str!("../migrations/0001_log_and_lanes.sql"),
    include_str!("../migrations/0002_schedules.sql"),
    include_str!("../migrations/0003_snapshots.sql"),
    include_str!("../migrations/0004_groups.sql"),
    include_str!("../migrations/0005_recurrences.sql"),
    include_str!("../migrations/0006_fewer_round_trips.sql"),
    include_str!("../migrations/0007_quarantine.sql"),
];

/// The newest version this program knows.
pub(crate) const KNOWN_VERSION: i64 = 7;

/// Sets the schema up, or brings it up to date. Does nothing, and needs no rights to, when it already is.
pub(crate) async fn migrate(
    connection: &mut PgConnection,
    schema: &SchemaName,
) -> Result<(), BackendError> {
    if version(connection, schema).await? == KNOWN_VERSION {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(backend_error)?;
    // The lock is taken before `create schema if not exists`, which can race with itself in Postgres.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('sourced migrations'), hashtext($1))")
        .bind(schema.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(backend_error)?;
    let found = version(&mut transaction, schema).await?;
    if found > KNOWN_VERSION {
        return Err(BackendError::Schema {
            found,
            known: KNOWN_VERSION,
        });
    }
    if found == 0 {
        let setup = "CREATE SCHEMA IF NOT EXISTS {schema};
             CREATE TABLE {schema}.migrations (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());";
        execute(&mut transaction, schema, setup).await?;
    }
    for (next, migration) in (1_i64..).zip(MIGRATIONS) {
        if next > found {
            execute(&mut transaction, schema, migration).await?;
            let applied = schema.render("INSERT INTO {schema}.migrations (version) VALUES ($1)");
            sqlx::query(AssertSqlSafe(applied))
                .bind(next)
                .execute(&mut *transaction)
                .await
                .map_err(backend_error)?;
        }
    }
    transaction.commit().await.map_err(backend_error)
}

/// Refuses a schema of another version, for who may not change it.
pub(crate) async fn check_version(
    connection: &mut PgConnection,
    schema: &SchemaName,
) -> Result<(), BackendError> {
    match version(connection, schema).await? {
        KNOWN_VERSION => Ok(()),
        found => Err(BackendError::Schema {
            found,
            known: KNOWN_VERSION,
        }),
    }
}

/// The version of the schema; 0 when it was never set up.
async fn version(connection: &mut PgConnection, schema: &SchemaName) -> Result<i64, BackendError> {
    // Not `to_regclass`: within a transaction it remembers that something was not there, the lock notwithstanding.
    let exists: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'migrations')",
    )
    .bind(schema.as_str())
    .fetch_one(&mut *connection)
    .await
    .map_err(backend_error)?;
    if !exists {
        return Ok(0);
    }
    let version = schema.render("SELECT coalesce(max(version), 0) FROM {schema}.migrations");
    sqlx::query_scalar(AssertSqlSafe(version))
        .fetch_one(connection)
        .await
        .map_err(backend_error)
}

async fn execute(
    connection: &mut PgConnection,
    schema: &SchemaName,
    script: &str,
) -> Result<(), BackendError> {
    sqlx::raw_sql(AssertSqlSafe(schema.render(script)))
        .execute(connection)
        .await
        .map(drop)
        .map_err(backend_error)
}
