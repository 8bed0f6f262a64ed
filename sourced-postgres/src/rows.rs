//! Rows of read models: all that a batch touches with each statement.

use sourced::backend::{BackendError, ColumnType, RowChanges, Table, Value, Values};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};

use crate::error::SqlError;
use crate::sql::Sql;
use crate::tables::{kept_as, read_as_told};

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, PgArguments>;

/// The rows of these keys that are there, locked in the order of their keys so that nobody waits in a circle. What is not
/// there cannot be locked: who makes it first is found out by [`change_rows`].
pub(crate) async fn read_rows(
    connection: &mut PgConnection,
    sql: &Sql,
    table: &Table,
    keys: &[Values],
) -> Result<Vec<Values>, BackendError> {
    let name = sql.tables.of(table);
    let of_key: Vec<usize> = table.key().map(|(at, _)| at).collect();
    let columns = table.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| read_as_told(column, &format!("t.\"{}\"", column.name)))
        .collect();
    let columns = columns.join(", ");
    let order = of_columns(table, &of_key, |name| format!("r.\"{name}\"")).join(", ");
    // One by one: a plan that was made while the table was small must not read all of it later.
    let text = format!(
        "SELECT {columns} FROM (SELECT * FROM {} ORDER BY {order}) AS r
           CROSS JOIN LATERAL (SELECT * FROM {name} AS t WHERE {} FOR UPDATE) AS t",
        unnested(table, &of_key),
        same_key(table),
    );
    let query = with_arrays(sql.own(text).query(), table, &of_key, keys);
    let rows = query.map_err(of_table)?.fetch_all(connection).await;
    let rows = rows.map_err(|error| of_table(error.into()))?;
    rows.iter().map(|row| read(table, row)).collect()
}

/// Changes rows that were read in this transaction. When somebody else has made one of the new rows meanwhile, the whole
/// transaction has to be done again.
pub(crate) async fn change_rows(
    connection: &mut PgConnection,
    sql: &Sql,
    table: &Table,
    changes: &RowChanges,
) -> Result<(), BackendError> {
    let name = sql.tables.of(table);
    let all: Vec<usize> = (0..table.columns.len()).collect();
    let of_key: Vec<usize> = table.key().map(|(at, _)| at).collect();
    // As they are read: one by one.
    let delete = format!(
        "DELETE FROM {name} WHERE ctid = ANY(ARRAY(
            SELECT t.at FROM {} CROSS JOIN LATERAL (SELECT t.ctid AS at FROM {name} AS t WHERE {} LIMIT 1) AS t))",
        unnested(table, &of_key),
        same_key(table),
    );
    run(connection, sql, table, delete, &of_key, &changes.deleted).await?;
    let columns = each(table, |name| format!("\"{name}\"")).join(", ");
    let key = of_columns(table, &of_key, |name| format!("\"{name}\"")).join(", ");
    let values = table.columns.iter();
    let values: Vec<String> = values.map(|column| given(column.name, column.of)).collect();
    let insert = format!(
        "INSERT INTO {name} ({columns}) SELECT {} FROM {} ON CONFLICT ({key}) DO",
        values.join(", "),
        unnested(table, &all),
    );
    let others: Vec<usize> = all
        .iter()
        .copied()
        .filter(|at| !of_key.contains(at))
        .collect();
    if !others.is_empty() {
        let others = of_columns(table, &others, |name| {
            format!("\"{name}\" = excluded.\"{name}\"")
        });
        // Each of them is there and locked, and is found by its key whatever the planner thinks of the table.
        let update = format!("{insert} UPDATE SET {}", others.join(", "));
        run(connection, sql, table, update, &all, &changes.changed).await?;
    }
    let insert = format!("{insert} NOTHING");
    run(connection, sql, table, insert, &all, &changes.created).await
}

/// Says so when it was not done to all of the rows.
async fn run(
    connection: &mut PgConnection,
    sql: &Sql,
    table: &Table,
    text: String,
    columns: &[usize],
    rows: &[Values],
) -> Result<(), BackendError> {
    if rows.is_empty() {
        return Ok(());
    }
    let query = with_arrays(sql.own(text).query(), table, columns, rows);
    let done = query.map_err(of_table)?.execute(connection).await;
    let done = done.map_err(|error| of_table(error.into()))?;
    if done.rows_affected() == rows.len() as u64 {
        return Ok(());
    }
    Err(SqlError::overtaken("somebody else changed the same row of a table").into())
}

fn each(table: &Table, write: impl Fn(&str) -> String) -> Vec<String> {
    let all: Vec<usize> = (0..table.columns.len()).collect();
    of_columns(table, &all, write)
}

fn of_columns(table: &Table, columns: &[usize], write: impl Fn(&str) -> String) -> Vec<String> {
    let columns = columns.iter().map(|at| table.columns[*at].name);
    columns.map(write).collect()
}

/// `unnest($1::uuid[], $2::text[]) AS r ("id", "title")`
fn unnested(table: &Table, columns: &[usize]) -> String {
    let columns = || columns.iter().map(|at| &table.columns[*at]);
    let arrays = columns().zip(1..).map(|(column, place)| {
        // What is JSON is told as text, and taken for what it is where it is stored.
        let of = match column.of {
            ColumnType::Json => "text",
            of => kept_as(of),
        };
        format!("${place}::{of}[]")
    });
    let arrays: Vec<String> = arrays.collect();
    let names: Vec<String> = columns()
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    format!("unnest({}) AS r ({})", arrays.join(", "), names.join(", "))
}

fn given(name: &str, of: ColumnType) -> String {
    match of {
        ColumnType::Json => format!("r.\"{name}\"::json"),
        _ => format!("r.\"{name}\""),
    }
}

fn same_key(table: &Table) -> String {
    let parts = table
        .key()
        .map(|(_, column)| format!("t.\"{0}\" = r.\"{0}\"", column.name));
    parts.collect::<Vec<_>>().join(" AND ")
}

/// A query with an array for each of these columns. A value of another type stands for nothing: there are none.
fn with_arrays<'q>(
    query: Query<'q>,
    table: &Table,
    columns: &[usize],
    rows: &'q [Values],
) -> Result<Query<'q>, SqlError> {
    let mut query = query;
    for (at, column) in columns.iter().enumerate() {
        let values = rows.iter().map(|row| &row[at]);
        macro_rules! array {
            (try $variant:ident($value:ident) => $given:expr) => {{
                let values = values.map(|value| match value {
                    Value::$variant($value) => $given.map(Some),
                    _ => Ok(None),
                });
                values.collect::<Result<Vec<_>, SqlError>>()?
            }};
            ($variant:ident($value:ident) => $given:expr) => {
                array!(try $variant($value) => Ok($given))
            };
        }
        query = match table.columns[*column].of {
            ColumnType::Text => query.bind(array!(Text(text) => text.as_str())),
            ColumnType::Json => query.bind(array!(Json(text) => text.as_str())),
            ColumnType::Integer => query.bind(array!(Integer(number) => *number)),
            ColumnType::Float => query.bind(array!(Float(number) => *number)),
            ColumnType::Bool => query.bind(array!(Bool(is) => *is)),
            ColumnType::Bytes => query.bind(array!(Bytes(bytes) => bytes.as_slice())),
            ColumnType::Uuid => query.bind(array!(Uuid(id) => *id)),
            ColumnType::Timestamp => query.bind(array!(try Timestamp(time) => stored_time(*time))),
        };
    }
    Ok(query)
}

/// A query with its values in their places.
pub(crate) fn bound<'q>(query: Query<'q>, values: &'q [Value]) -> Result<Query<'q>, SqlError> {
    values.iter().try_fold(query, |query, value| {
        Ok(match value {
            Value::Null => query.bind(None::<&str>),
            Value::Bool(is) => query.bind(*is),
            Value::Integer(number) => query.bind(*number),
            Value::Float(number) => query.bind(*number),
            Value::Text(text) | Value::Json(text) => query.bind(text.as_str()),
            Value::Bytes(bytes) => query.bind(bytes.as_slice()),
            Value::Uuid(id) => query.bind(*id),
            Value::Timestamp(time) => query.bind(stored_time(*time)?),
        })
    })
}

/// Some moments are further away than a column can tell: those are refused here or by the database.
fn stored_time(time: sourced::Timestamp) -> Result<DateTime<Utc>, SqlError> {
    let stored = DateTime::from_timestamp_micros(time.as_micros());
    stored.ok_or_else(|| SqlError::refused("timestamp out of range"))
}

/// A row whose columns are those of the table, in their order.
pub(crate) fn read(table: &Table, row: &PgRow) -> Result<Values, BackendError> {
    let columns = table.columns.iter().enumerate();
    let values = columns.map(|(at, column)| {
        value(column.of, row, at).map_err(|_| {
            let text = format!("`{}.{}` is no {}", table.name, column.name, column.of);
            BackendError::Corrupt(text)
        })
    });
    values.collect()
}

fn value(of: ColumnType, row: &PgRow, at: usize) -> Result<Value, sqlx::Error> {
    macro_rules! get {
        ($ty:ty, $variant:ident) => {
            row.try_get::<Option<$ty>, _>(at)?.map(Value::$variant)
        };
    }
    let value = match of {
        ColumnType::Text => get!(String, Text),
        ColumnType::Integer => get!(i64, Integer),
        ColumnType::Float => get!(f64, Float),
        ColumnType::Bool => get!(bool, Bool),
        ColumnType::Bytes => get!(Vec<u8>, Bytes),
        ColumnType::Uuid => get!(Uuid, Uuid),
        // As text: it is to stay as it was written.
        ColumnType::Json => row
            .try_get_unchecked::<Option<String>, _>(at)?
            .map(Value::Json),
        ColumnType::Timestamp => row
            .try_get::<Option<DateTime<Utc>>, _>(at)?
            .map(|time| Value::Timestamp(time.into())),
    };
    Ok(value.unwrap_or(Value::Null))
}

/// What went wrong with a table of a read model: one that is missing, or has columns of other types, is not our schema.
pub(crate) fn of_table(error: SqlError) -> BackendError {
    match error.code() {
        Some("42P01" | "42703" | "42804" | "42883") => BackendError::Refused(Box::new(error)),
        _ => error.into(),
    }
}
