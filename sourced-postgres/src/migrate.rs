//! Migrations: setting the schema up, bringing an older one up to date, and telling how.

use sourced::backend::BackendError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::error::{InvalidMigration, backend_error};
use crate::sql::SchemaName;

/// Each brings the schema from its index to the next version. What was published is never changed.
const MIGRATIONS: [&str; 16] = [
    include_str!("../migrations/0001_log_and_lanes.sql"),
    include_str!("../migrations/0002_schedules.sql"),
    include_str!("../migrations/0003_snapshots.sql"),
    include_str!("../migrations/0004_groups.sql"),
    include_str!("../migrations/0005_recurrences.sql"),
    include_str!("../migrations/0006_fewer_round_trips.sql"),
    include_str!("../migrations/0007_quarantine.sql"),
    include_str!("../migrations/0008_upkeep.sql"),
    include_str!("../migrations/0009_live_versions.sql"),
    include_str!("../migrations/0010_ahead_of_the_pump.sql"),
    include_str!("../migrations/0011_global_order.sql"),
    include_str!("../migrations/0012_stretches.sql"),
    include_str!("../migrations/0013_history.sql"),
    include_str!("../migrations/0014_one_bound.sql"),
    include_str!("../migrations/0015_known_types.sql"),
    include_str!("../migrations/0016_bytes_of_claims.sql"),
];

/// The version of the schema that this crate works with.
#[allow(clippy::cast_possible_wrap, reason = "there are a few")]
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// The SQL that brings a schema from one version to another, for people who run their own migrations: it begins a
/// transaction, makes sure that the schema has the version it is for, and commits. Version 0 is a database without the
/// schema, which is made, too.
///
/// Run it with `psql -v ON_ERROR_STOP=1`, and let programs connect with
/// [`PostgresBuilder::without_migrating`](crate::PostgresBuilder::without_migrating). Programs that are connected to the older
/// version go on until they connect again.
///
/// ```
/// use sourced_postgres::{SCHEMA_VERSION, migration_sql};
///
/// let sql = migration_sql("shop_events", 3, SCHEMA_VERSION)?;
/// assert!(sql.contains(r#"ALTER TABLE "shop_events".lanes"#));
/// # Ok::<(), sourced_postgres::InvalidMigration>(())
/// ```
///
/// # Errors
/// [`InvalidMigration`] when the name cannot be that of a schema, or there is no way from one version to the other.
pub fn migration_sql(schema: &str, from: i64, to: i64) -> Result<String, InvalidMigration> {
    let schema = SchemaName::new(schema)?;
    if !(0..=to).contains(&from) || to > SCHEMA_VERSION {
        return Err(InvalidMigration::Versions { from, to });
    }
    let guard = if from == 0 {
        String::new()
    } else {
        schema.render(&format!(
            "DO $$ BEGIN
    IF (SELECT max(version) FROM {{schema}}.migrations) IS DISTINCT FROM {from} THEN
        RAISE EXCEPTION 'the schema does not have version {from}';
    END IF;
END $$;\n"
        ))
    };
    let (lock, steps) = (lock(&schema), steps(&schema, from, to));
    Ok(format!("BEGIN;\n{lock};\n{guard}{steps}COMMIT;\n"))
}

/// What takes the schema from one version to another, and writes that down.
fn steps(schema: &SchemaName, from: i64, to: i64) -> String {
    let mut text = String::new();
    if from == 0 {
        // `IF NOT EXISTS` asks for the right to create schemas first, which a role that was given this one need not have.
        text += "DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE '\"' || nspname || '\"' = '{schema}') THEN
        CREATE SCHEMA {schema};
    END IF;
END $$;
";
        text += "CREATE TABLE {schema}.migrations (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());\n";
    }
    for (version, migration) in (1..=to).zip(MIGRATIONS) {
        if version > from {
            text += migration;
            let applied = "INSERT INTO {schema}.migrations (version) VALUES (";
            text += &[applied, &version.to_string(), ");\n"].concat();
        }
    }
    schema.render(&text)
}

/// Taken before looking whether the schema is there.
fn lock(schema: &SchemaName) -> String {
    let name = schema.as_str();
    format!("SELECT pg_advisory_xact_lock(hashtext('sourced migrations'), hashtext('{name}'))")
}

/// Sets the schema up, or brings it up to date. Does nothing, and needs no rights to, when it already is.
pub(crate) async fn migrate(
    connection: &mut PgConnection,
    schema: &SchemaName,
) -> Result<(), BackendError> {
    if version(connection, schema).await? == SCHEMA_VERSION {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(backend_error)?;
    execute(&mut transaction, lock(schema)).await?;
    let found = version(&mut transaction, schema).await?;
    if found > SCHEMA_VERSION {
        return Err(wrong(found));
    }
    execute(&mut transaction, steps(schema, found, SCHEMA_VERSION)).await?;
    transaction.commit().await.map_err(backend_error)
}

/// Makes sure that the next position is one that nobody has. Logical replication copies the messages and not the sequence.
pub(crate) async fn verify_sequence(
    connection: &mut PgConnection,
    schema: &SchemaName,
) -> Result<(), BackendError> {
    let text = schema.render(
        "SELECT m.last, s.last_value FROM {schema}.position_seq AS s,
         LATERAL (SELECT coalesce(max(position), 0) AS last FROM {schema}.messages) AS m",
    );
    let (last, of_sequence): (i64, i64) = sqlx::query_as(AssertSqlSafe(text))
        .persistent(false)
        .fetch_one(connection)
        .await
        .map_err(backend_error)?;
    if last <= of_sequence {
        return Ok(());
    }
    let sequence = schema.render("{schema}.position_seq");
    Err(BackendError::Corrupt(format!(
        "the log ends at position {last}, and the sequence of positions is at {of_sequence}, as after a logical replication: \
         while nobody writes, run `SELECT setval('{sequence}', {last})`"
    )))
}

/// Looks whether the schema is up to date, and changes nothing.
pub(crate) async fn verify(
    connection: &mut PgConnection,
    schema: &SchemaName,
) -> Result<(), BackendError> {
    match version(connection, schema).await? {
        SCHEMA_VERSION => Ok(()),
        found => Err(wrong(found)),
    }
}

fn wrong(found: i64) -> BackendError {
    BackendError::Schema {
        found,
        known: SCHEMA_VERSION,
    }
}

/// The version of the schema; 0 when it was never set up.
async fn version(connection: &mut PgConnection, schema: &SchemaName) -> Result<i64, BackendError> {
    // Not `to_regclass`: within a transaction it remembers that something was not there, the lock notwithstanding.
    let exists: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'migrations')",
    )
    .persistent(false)
    .bind(schema.as_str())
    .fetch_one(&mut *connection)
    .await
    .map_err(backend_error)?;
    if !exists {
        return Ok(0);
    }
    let version = schema.render("SELECT coalesce(max(version), 0) FROM {schema}.migrations");
    sqlx::query_scalar(AssertSqlSafe(version))
        .persistent(false)
        .fetch_one(connection)
        .await
        .map_err(backend_error)
}

async fn execute(connection: &mut PgConnection, script: String) -> Result<(), BackendError> {
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(connection)
        .await
        .map(drop)
        .map_err(backend_error)
}
