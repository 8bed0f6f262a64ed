//! Compares the tables with the log, row by row.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use serde::Serialize;
use sourced::{App, Selection};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Row as _};

use super::fold::{Expected, Fold};
use crate::database::Database;

/// So many problems are told; the others are only counted.
const TOLD: u64 = 20;

/// The last line of the program.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Faults that the conductor injected.
    pub(super) faults: u64,
    /// Events in the log.
    pub(super) events: u64,
    /// Rows that the tables should have.
    pub(super) rows: u64,
    /// Rows that are there with other values.
    pub(super) rows_wrong: u64,
    /// Rows that are not there.
    pub(super) rows_missing: u64,
    /// Rows that should not be there.
    pub(super) rows_extra: u64,
}

impl Report {
    pub(super) fn is_clean(&self) -> bool {
        self.rows_wrong + self.rows_missing + self.rows_extra == 0
    }

    fn compare(&mut self, table: &Expected, found: &BTreeMap<Vec<String>, Vec<String>>) {
        let name = table.name;
        for (key, expected) in &table.rows {
            self.rows += 1;
            match found.get(key) {
                Some(row) if row == expected => {}
                Some(row) => note(
                    &mut self.rows_wrong,
                    format_args!("{name} {key:?} is {row:?}, not {expected:?}"),
                ),
                None => note(
                    &mut self.rows_missing,
                    format_args!("{name} {key:?} is not there"),
                ),
            }
        }
        for key in found.keys().filter(|key| !table.rows.contains_key(*key)) {
            note(
                &mut self.rows_extra,
                format_args!("{name} {key:?} should not be there"),
            );
        }
    }
}

/// Reads everything and fills the report.
pub(super) async fn verify(
    app: &App,
    database: &Database,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut fold = Fold::default();
    let mut log = app.log(Selection::all()).stream();
    while let Some(message) = log.try_next().await? {
        fold.add(&message)?;
    }
    report.events = fold.n_events;
    for table in fold.tables() {
        let found = rows(database, &table).await?;
        eprintln!("{:>5} rows in {}", found.len(), table.name);
        report.compare(&table, &found);
    }
    Ok(())
}

/// Counts one problem.
fn note(count: &mut u64, what: std::fmt::Arguments<'_>) {
    *count += 1;
    if *count <= TOLD {
        eprintln!("wrong: {what}");
    }
}

/// The rows of a table by their keys, all as text.
async fn rows(
    database: &Database,
    table: &Expected,
) -> anyhow::Result<BTreeMap<Vec<String>, Vec<String>>> {
    let columns = || table.key.iter().chain(table.others);
    let texts: Vec<String> = columns()
        .map(|name| format!("CAST({name} AS text)"))
        .collect();
    let prefix = match database {
        Database::Postgres(_) => "sourced.",
        Database::Sqlite(_) => "sourced_",
    };
    let select = format!("SELECT {} FROM {prefix}{}", texts.join(", "), table.name);
    let n_columns = columns().count();
    let mut rows: Vec<Vec<String>> = match database {
        Database::Postgres(url) => {
            let pool = sqlx::PgPool::connect(url).await?;
            let rows = sqlx::query(AssertSqlSafe(select)).fetch_all(&pool).await?;
            let texts =
                |row: &sqlx::postgres::PgRow| (0..n_columns).map(|at| row.try_get(at)).collect();
            rows.iter().map(texts).collect::<Result<_, _>>()?
        }
        Database::Sqlite(path) => {
            let options = SqliteConnectOptions::new().filename(path);
            let pool = sqlx::SqlitePool::connect_with(options).await?;
            let rows = sqlx::query(AssertSqlSafe(select)).fetch_all(&pool).await?;
            let texts =
                |row: &sqlx::sqlite::SqliteRow| (0..n_columns).map(|at| row.try_get(at)).collect();
            rows.iter().map(texts).collect::<Result<_, _>>()?
        }
    };
    let of_key = |row: &mut Vec<String>| {
        let others = row.split_off(table.key.len());
        (std::mem::take(row), others)
    };
    Ok(rows.iter_mut().map(of_key).collect())
}
