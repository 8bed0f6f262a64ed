//! Tables of read models: making, emptying and querying them. Their rows are changed in [`rows`](crate::rows).

use std::sync::Arc;

use async_trait::async_trait;
use sourced::GroupId;
use sourced::backend::{
    BackendError, Column, ColumnType, FoundColumn, Mark, Nulls, ResetFrom, ResetScope, RowQuery,
    Select, Table, TableError, Tables, Values,
};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::rows::{bound, read};
use crate::sql::Statements;
use crate::{error, groups};

#[async_trait]
impl Tables for Sqlite {
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
        table.check()?;
        let sql = Arc::clone(&self.inner.sql);
        let (table, group) = (table.clone(), group.clone());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { ensure(connection, &sql, &table, &group).await })
            })
            .await?;
        self.inner.signal.raise();
        Ok(())
    }

    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
        table.check()?;
        let sql = Arc::clone(&self.inner.sql);
        let (table, group) = (table.clone(), group.clone());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move {
                    set_back(connection, &sql, &group).await?;
                    run(connection, format!("DELETE FROM {}", sql.table(&table))).await
                })
            })
            .await?;
        self.inner.signal.raise();
        Ok(())
    }

    async fn drop_table(&self, table: &Table) -> Result<(), BackendError> {
        table.check()?;
        let (sql, table) = (Arc::clone(&self.inner.sql), table.clone());
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { drop_in(connection, &sql, &table).await })
            })
            .await
    }

    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
        table.check()?;
        let Select { text, values } = Select::new(&self.inner.sql.table(table), table, query);
        let query = bound(sqlx::query(AssertSqlSafe(text)), values.iter());
        let rows = query.fetch_all(&mut *self.reader().await?).await;
        let rows = rows.map_err(error::backend)?;
        rows.iter().map(|row| read(table, row)).collect()
    }
}

pub(crate) async fn drop_in(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &Table,
) -> Result<(), BackendError> {
    run(
        connection,
        format!("DROP TABLE IF EXISTS {}", sql.table(table)),
    )
    .await
}

async fn ensure(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &Table,
    group: &GroupId,
) -> Result<(), TableError> {
    let found = found(connection, sql, table).await?;
    let is_new = found.is_empty();
    if is_new {
        run(connection, definition(sql, table)).await?;
    } else {
        table.compare(&found)?;
        let known = sqlx::query(sql.find_group.clone()).bind(group.as_str());
        let known = known.fetch_optional(&mut *connection).await;
        let is_known = known.map_err(error::backend)?.is_some();
        if !is_known && has_rows(connection, sql, table).await? {
            return Err(TableError::occupied(table, group));
        }
    }
    for column in &table.columns {
        if let Some(index) = index(sql, table, column) {
            run(connection, index).await?;
        }
    }
    if !is_new {
        return Ok(());
    }
    match set_back(connection, sql, group).await {
        Ok(()) | Err(BackendError::UnknownGroup(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn has_rows(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &Table,
) -> Result<bool, BackendError> {
    let text = format!("SELECT 1 FROM {} LIMIT 1", sql.table(table));
    let row = sqlx::query(AssertSqlSafe(text)).fetch_optional(connection);
    Ok(row.await.map_err(error::backend)?.is_some())
}

async fn set_back(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &GroupId,
) -> Result<(), BackendError> {
    let all = ResetScope::All;
    groups::reset(connection, sql, group, &all, ResetFrom::Beginning).await
}

/// The columns of the table as it is; none when it is not there.
async fn found(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &Table,
) -> Result<Vec<FoundColumn>, BackendError> {
    let name = sql.table_name(table);
    let unique = sqlx::query(
        "SELECT i.name FROM pragma_index_list(?1) l JOIN pragma_index_info(l.name) i
         WHERE l.\"unique\" AND l.origin <> 'pk' AND NOT l.partial
           AND (SELECT count(*) FROM pragma_index_info(l.name)) = 1",
    );
    let unique = unique.bind(&name).fetch_all(&mut *connection).await;
    let unique = unique.map_err(error::backend)?;
    let unique: Vec<&str> = unique
        .iter()
        .map(|row| row.try_get(0).map_err(error::backend))
        .collect::<Result<_, _>>()?;
    let columns = sqlx::query(
        "SELECT name, type, \"notnull\", pk, dflt_value IS NOT NULL FROM pragma_table_info(?1)",
    );
    let columns = columns.bind(&name).fetch_all(&mut *connection).await;
    let columns = columns.map_err(error::backend)?;
    let found = columns.iter().map(|row| {
        let name: String = row.try_get(0)?;
        let said: String = row.try_get(1)?;
        let is_not_null: bool = row.try_get(2)?;
        let expected = table.columns.iter().find(|column| column.name == name);
        Ok(FoundColumn {
            // Several types of ours are kept in one of SQLite's.
            of: expected
                .map(|column| column.of)
                .filter(|of| said == kept_as(*of)),
            nulls: if is_not_null {
                Nulls::Refused
            } else {
                Nulls::Allowed
            },
            is_key: row.try_get::<i64, _>(3)? > 0,
            is_unique: unique.contains(&name.as_str()),
            has_default: row.try_get(4)?,
            name,
            said,
        })
    });
    found.collect::<Result<_, _>>().map_err(error::backend)
}

fn definition(sql: &Statements, table: &Table) -> String {
    let columns = table.columns.iter().map(|column| {
        let nulls = match column.nulls {
            Nulls::Allowed => "",
            Nulls::Refused => " NOT NULL",
        };
        format!("\"{}\" {}{nulls}", column.name, kept_as(column.of))
    });
    let columns: Vec<String> = columns.collect();
    let key: Vec<String> = table
        .key()
        .map(|(_, column)| format!("\"{}\"", column.name))
        .collect();
    format!(
        "CREATE TABLE {} ({}, PRIMARY KEY ({})) STRICT",
        sql.table(table),
        columns.join(", "),
        key.join(", ")
    )
}

/// The index of a column, if it has one beside that of the key.
fn index(sql: &Statements, table: &Table, column: &Column) -> Option<String> {
    let (create, word) = match column.mark {
        Mark::Unique => ("CREATE UNIQUE INDEX", "unique"),
        Mark::Index => ("CREATE INDEX", "index"),
        Mark::Plain | Mark::Key => return None,
    };
    let (table, name, column) = (sql.table(table), sql.table_name(table), column.name);
    Some(format!(
        "{create} IF NOT EXISTS \"{name}_{column}_{word}\" ON {table} (\"{column}\")"
    ))
}

fn kept_as(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Text | ColumnType::Uuid | ColumnType::Json => "TEXT",
        ColumnType::Integer | ColumnType::Bool | ColumnType::Timestamp => "INTEGER",
        // `REAL` would keep -0.0 as 0.
        ColumnType::Float => "ANY",
        ColumnType::Bytes => "BLOB",
    }
}

/// Names in the text were checked.
async fn run(connection: &mut SqliteConnection, text: String) -> Result<(), BackendError> {
    let done = sqlx::query(AssertSqlSafe(text)).execute(connection).await;
    done.map(drop).map_err(error::backend)
}
