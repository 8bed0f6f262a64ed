//! Rows of read models: many of them with each statement.

use sourced::Timestamp;
use sourced::backend::{BackendError, ColumnType, RowChanges, Table, Value, Values};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, ValueRef as _};
use uuid::Uuid;

use crate::error;
use crate::sql::{ROWS, Statements};

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments>;

/// The rows of these keys that are there. Nobody else writes until the transaction ends.
pub(crate) async fn read_rows(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &Table,
    keys: &[Values],
) -> Result<Vec<Values>, BackendError> {
    let columns = names(table.columns.iter().map(|column| column.name));
    let name = sql.table(table);
    let mut found = Vec::with_capacity(keys.len());
    for keys in groups_of(keys) {
        let is_one = is_one_of(table, keys.len());
        let text = format!("SELECT {columns} FROM {name} WHERE {is_one}");
        let query = bound(sqlx::query(AssertSqlSafe(text)), keys.iter().flatten());
        let rows = query.fetch_all(&mut *connection).await;
        for row in rows.map_err(error::backend)? {
            found.push(read(table, &row)?);
        }
    }
    Ok(found)
}

/// Changes rows that were read in this transaction.
pub(crate) async fn change_rows(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &Table,
    changes: &RowChanges,
) -> Result<(), BackendError> {
    let name = sql.table(table);
    for keys in groups_of(&changes.deleted) {
        let text = format!("DELETE FROM {name} WHERE {}", is_one_of(table, keys.len()));
        run(connection, text, keys).await?;
    }
    let columns = names(table.columns.iter().map(|column| column.name));
    let insert = format!("INSERT INTO {name} ({columns}) VALUES");
    let key = names(table.key().map(|(_, column)| column.name));
    let others = table
        .columns
        .iter()
        .filter(|column| column.mark != sourced::backend::Mark::Key);
    let others: Vec<String> = others
        .map(|column| format!("\"{0}\" = excluded.\"{0}\"", column.name))
        .collect();
    let instead = match others.len() {
        0 => "NOTHING".to_owned(),
        _ => format!("UPDATE SET {}", others.join(", ")),
    };
    for rows in groups_of(&changes.changed) {
        let places = places(rows.len(), table.columns.len());
        let text = format!("{insert} {places} ON CONFLICT ({key}) DO {instead}");
        run(connection, text, rows).await?;
    }
    for rows in groups_of(&changes.created) {
        let text = format!("{insert} {}", places(rows.len(), table.columns.len()));
        run(connection, text, rows).await?;
    }
    Ok(())
}

/// Names in the text were checked.
async fn run(
    connection: &mut SqliteConnection,
    text: String,
    rows: &[Values],
) -> Result<(), BackendError> {
    let query = bound(sqlx::query(AssertSqlSafe(text)), rows.iter().flatten());
    let done = query.execute(connection).await;
    done.map(drop).map_err(error::backend)
}

/// The same in parts of few sizes, so that there are few statements.
fn groups_of(mut rows: &[Values]) -> impl Iterator<Item = &[Values]> {
    std::iter::from_fn(move || {
        let size = ROWS.into_iter().find(|size| *size <= rows.len())?;
        let (part, rest) = rows.split_at(size);
        rows = rest;
        Some(part)
    })
}

/// `"a", "b"`
fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

/// `("customer", "day") IN (VALUES (?, ?), (?, ?))`
fn is_one_of(table: &Table, n_keys: usize) -> String {
    let key = names(table.key().map(|(_, column)| column.name));
    match table.key().count() {
        1 => format!("{key} IN ({})", vec!["?"; n_keys].join(", ")),
        n_parts => format!("({key}) IN (VALUES {})", places(n_keys, n_parts)),
    }
}

/// `(?, ?), (?, ?)`
fn places(n_rows: usize, n_values: usize) -> String {
    let row = format!("({})", vec!["?"; n_values].join(", "));
    vec![row; n_rows].join(", ")
}

/// A query with its values in their places.
pub(crate) fn bound<'q>(query: Query<'q>, values: impl Iterator<Item = &'q Value>) -> Query<'q> {
    values.fold(query, |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Bool(is) => query.bind(i64::from(*is)),
        Value::Integer(number) => query.bind(*number),
        Value::Float(number) => query.bind(*number),
        Value::Text(text) | Value::Json(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
        Value::Uuid(id) => query.bind(id.hyphenated().to_string()),
        Value::Timestamp(time) => query.bind(time.as_micros()),
    })
}

/// A row whose columns are those of the table, in their order.
pub(crate) fn read(table: &Table, row: &SqliteRow) -> Result<Values, BackendError> {
    let columns = table.columns.iter().enumerate();
    let values = columns.map(|(at, column)| {
        value(column.of, row, at).map_err(|_| {
            let text = format!("`{}.{}` is no {}", table.name, column.name, column.of);
            BackendError::Corrupt(text)
        })
    });
    values.collect()
}

fn value(of: ColumnType, row: &SqliteRow, at: usize) -> Result<Value, sqlx::Error> {
    if row.try_get_raw(at)?.is_null() {
        return Ok(Value::Null);
    }
    let text = || row.try_get::<String, _>(at);
    let number = || row.try_get::<i64, _>(at);
    Ok(match of {
        ColumnType::Text => Value::Text(text()?),
        ColumnType::Json => Value::Json(text()?),
        ColumnType::Bytes => Value::Bytes(row.try_get(at)?),
        ColumnType::Integer => Value::Integer(number()?),
        ColumnType::Float => Value::Float(row.try_get(at)?),
        ColumnType::Timestamp => Value::Timestamp(Timestamp::from_micros(number()?)),
        ColumnType::Uuid => {
            let id = Uuid::parse_str(&text()?);
            Value::Uuid(id.map_err(|error| sqlx::Error::Decode(error.into()))?)
        }
        ColumnType::Bool => match number()? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(sqlx::Error::Decode("neither 0 nor 1".into())),
        },
    })
}
