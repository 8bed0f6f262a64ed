//! The schema, and bringing an older file up to it.

use sourced::backend::BackendError;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use crate::error;
use crate::row::signed;
use crate::sql::Prefix;

/// The prefix the scripts are written with.
pub(crate) const DEFAULT_PREFIX: &str = "sourced_";

/// One script per version; a published one never changes.
const SCRIPTS: [&str; 6] = [
    include_str!("../migrations/0001_start.sql"),
    include_str!("../migrations/0002_schedules.sql"),
    include_str!("../migrations/0003_snapshots.sql"),
    include_str!("../migrations/0004_groups.sql"),
    include_str!("../migrations/0005_recurrences.sql"),
    include_str!("../migrations/0006_quarantine.sql"),
];

/// Creates what is missing. It is safe to run again, and from several processes at once.
///
/// The version stands in a table of its own, since `PRAGMA user_version` belongs to the whole file and other tables may
/// live in it.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    prefix: &Prefix,
) -> Result<(), BackendError> {
    let known = signed(SCRIPTS.len() as u64);
    // The common case takes no lock.
    if check(found(connection, prefix).await?, known)? {
        return Ok(());
    }
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(error::backend)?;
    // Somebody else may have been faster.
    let found = found(&mut transaction, prefix).await?;
    if check(found, known)? {
        return Ok(());
    }
    let next = usize::try_from(found).unwrap_or(0);
    for script in &SCRIPTS[next..] {
        run(&mut transaction, &prefix.text(script)).await?;
    }
    let version = format!(
        "CREATE TABLE IF NOT EXISTS sourced_schema (version INTEGER NOT NULL) STRICT;
         DELETE FROM sourced_schema;
         INSERT INTO sourced_schema (version) VALUES ({known})"
    );
    run(&mut transaction, &prefix.text(&version)).await?;
    transaction.commit().await.map_err(error::backend)
}

/// Refuses a file of another version, for who may not change it.
pub(crate) async fn check_version(
    connection: &mut SqliteConnection,
    prefix: &Prefix,
) -> Result<(), BackendError> {
    let known = signed(SCRIPTS.len() as u64);
    let found = found(connection, prefix).await?;
    if check(found, known)? {
        Ok(())
    } else {
        Err(BackendError::Schema { found, known })
    }
}

/// Whether nothing is to be done.
fn check(found: i64, known: i64) -> Result<bool, BackendError> {
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
