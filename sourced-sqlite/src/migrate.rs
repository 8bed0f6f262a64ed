//! The schema, and bringing an older file up to it.

use sourced::backend::BackendError;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use crate::error;
use crate::sql::Prefix;

/// The prefix the scripts are written with.
pub(crate) const DEFAULT_PREFIX: &str = "sourced_";

/// One script per version; a published one never changes.
const SCRIPTS: [&str; 12] = [
    include_str!("../migrations/0001_start.sql"),
    include_str!("../migrations/0002_schedules.sql"),
    include_str!("../migrations/0003_snapshots.sql"),
    include_str!("../migrations/0004_groups.sql"),
    include_str!("../migrations/0005_recurrences.sql"),
    include_str!("../migrations/0006_quarantine.sql"),
    include_str!("../migrations/0007_upkeep.sql"),
    include_str!("../migrations/0008_live_versions.sql"),
    include_str!("../migrations/0009_global_order.sql"),
    include_str!("../migrations/0010_stretches.sql"),
    include_str!("../migrations/0011_history.sql"),
    include_str!("../migrations/0012_known_types.sql"),
];

/// The version of the tables that this crate works with.
#[allow(clippy::cast_possible_wrap, reason = "there are a few")]
pub const SCHEMA_VERSION: i64 = SCRIPTS.len() as i64;

/// The SQL that brings the tables of a file from one version to another, for people who run their own migrations: it
/// begins a transaction, makes sure that the tables have the version it is for, and commits. Version 0 is a file without
/// the tables.
///
/// Run it with `sqlite3 -bail`, and let programs open the file with
/// [`SqliteBuilder::without_migrating`](crate::SqliteBuilder::without_migrating).
///
/// ```
/// use sourced_sqlite::{SCHEMA_VERSION, migration_sql};
///
/// let sql = migration_sql("shop_", 3, SCHEMA_VERSION)?;
/// assert!(sql.contains("ALTER TABLE shop_lanes"));
/// # Ok::<(), sourced::backend::BackendError>(())
/// ```
///
/// # Errors
/// [`BackendError::Refused`] when the prefix is invalid, or there is no way from one version to the other.
pub fn migration_sql(prefix: &str, from: i64, to: i64) -> Result<String, BackendError> {
    let prefix = Prefix::checked(prefix)?;
    if !(0..=to).contains(&from) || to > SCHEMA_VERSION {
        let text = format!(
            "there is no migration from version {from} to {to}: versions go up, from 0 to {SCHEMA_VERSION}"
        );
        return Err(BackendError::Refused(text.into()));
    }
    // There is no other statement that can fail by itself.
    let guard = if from == 0 {
        String::new()
    } else {
        prefix.text(&format!(
            "CREATE TEMP TABLE sourced_guard (has_the_version INTEGER CHECK (has_the_version));
INSERT INTO temp.sourced_guard SELECT max(version) = {from} FROM sourced_schema;
DROP TABLE temp.sourced_guard;\n"
        ))
    };
    let steps = steps(&prefix, from, to);
    Ok(format!("BEGIN IMMEDIATE;\n{guard}{steps}COMMIT;\n"))
}

/// What takes the tables from one version to another, and writes that down.
fn steps(prefix: &Prefix, from: i64, to: i64) -> String {
    let mut text = String::new();
    for (version, script) in (1..=to).zip(SCRIPTS) {
        if version > from {
            text += script;
        }
    }
    let written = format!(
        "CREATE TABLE IF NOT EXISTS sourced_schema (version INTEGER NOT NULL) STRICT;
DELETE FROM sourced_schema;
INSERT INTO sourced_schema (version) VALUES ({to});\n"
    );
    prefix.text(&(text + &written))
}

/// Creates what is missing. It is safe to run again, and from several processes at once.
///
/// The version stands in a table of its own, since `PRAGMA user_version` belongs to the whole file and other tables may
/// live in it.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    prefix: &Prefix,
) -> Result<(), BackendError> {
    // The common case takes no lock.
    if check(found(connection, prefix).await?)? {
        return Ok(());
    }
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(error::backend)?;
    // Somebody else may have been faster.
    let found = found(&mut transaction, prefix).await?;
    if check(found)? {
        return Ok(());
    }
    run(&mut transaction, &steps(prefix, found, SCHEMA_VERSION)).await?;
    transaction.commit().await.map_err(error::backend)
}

/// Looks whether the tables are up to date, and changes nothing.
pub(crate) async fn verify(
    connection: &mut SqliteConnection,
    prefix: &Prefix,
) -> Result<(), BackendError> {
    let found = found(connection, prefix).await?;
    if check(found)? {
        return Ok(());
    }
    let known = SCHEMA_VERSION;
    Err(BackendError::Schema { found, known })
}

/// Whether nothing is to be done.
fn check(found: i64) -> Result<bool, BackendError> {
    let known = SCHEMA_VERSION;
    if (0..=known).contains(&found) {
        Ok(found == known)
    } else {
        Err(BackendError::Schema { found, known })
    }
}

/// The version of the file; 0 when it has none of our tables.
async fn found(connection: &mut SqliteConnection, prefix: &Prefix) -> Result<i64, BackendError> {
    let exists = sqlx::query(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
    )
    .bind(prefix.text("sourced_schema"))
    .fetch_optional(&mut *connection)
    .await
    .map_err(error::backend)?;
    if exists.is_none() {
        return Ok(0);
    }
    let row = sqlx::query(prefix.statement("SELECT max(version) FROM sourced_schema"))
        .fetch_one(connection)
        .await
        .map_err(error::backend)?;
    let version: Option<i64> = row.try_get(0).map_err(error::backend)?;
    version.ok_or_else(|| BackendError::Corrupt("the schema has no version".to_owned()))
}

async fn run(connection: &mut SqliteConnection, script: &str) -> Result<(), BackendError> {
    let done = sqlx::raw_sql(AssertSqlSafe(script))
        .execute(connection)
        .await;
    done.map(drop).map_err(error::backend)
}
