//! Tables of read models: making, emptying and querying them. Their rows are changed in [`rows`](crate::rows).

use async_trait::async_trait;
use sourced::GroupId;
use sourced::backend::{
    BackendError, Column, ColumnType, FoundColumn, Mark, Nulls, RowQuery, Select, Table,
    TableError, Tables, Values,
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::backend::{Attempt, Postgres, retrying};
use crate::connecting::LONG;
use crate::error::SqlError;
use crate::rows::{bound, of_table, read};

#[async_trait]
impl Tables for Postgres {
    async fn ensure_table(&self, table: &Table, group: &GroupId) -> Result<(), TableError> {
        table.check()?;
        let ensured = retrying!(self, LONG; connection => self.ensure_once(&mut connection, table, group).await);
        ensured.map_err(of_table)??;
        self.inner.hints.raise();
        Ok(())
    }

    async fn rebuild_table(&self, table: &Table, group: &GroupId) -> Result<(), BackendError> {
        table.check()?;
        let is_known = retrying!(self, LONG; connection => self.rebuild_once(&mut connection, table, group).await);
        if !is_known.map_err(of_table)? {
            return Err(BackendError::UnknownGroup(group.clone()));
        }
        self.inner.hints.raise();
        Ok(())
    }

    async fn drop_table(&self, table: &Table) -> Result<(), BackendError> {
        table.check()?;
        retrying!(self, LONG; connection => self.drop_in(&mut connection, table).await)
            .map_err(of_table)
    }

    async fn rows(&self, table: &Table, query: &RowQuery) -> Result<Vec<Values>, BackendError> {
        table.check()?;
        let name = self.table(table);
        let Select { text, values } = Select::read_as(&name, table, query, read_as_told);
        let rows = retrying!(self, connection => {
            let query = bound(self.inner.sql.own(text.clone()).query(), &values)?;
            query.fetch_all(&mut *connection).await
        });
        let rows = rows.map_err(of_table)?;
        rows.iter().map(|row| read(table, row)).collect()
    }
}

impl Postgres {
    /// What a table of a read model is called, in quotes. Both parts were checked.
    fn table(&self, table: &Table) -> String {
        self.inner.sql.tables.of(table)
    }

    pub(crate) async fn drop_in(
        &self,
        connection: &mut PgConnection,
        table: &Table,
    ) -> Result<(), SqlError> {
        run(
            connection,
            format!("DROP TABLE IF EXISTS {}", self.table(table)),
        )
        .await
    }

    async fn ensure_once(
        &self,
        connection: &mut PgConnection,
        table: &Table,
        group: &GroupId,
    ) -> Attempt<Result<(), TableError>> {
        let mut transaction = connection.begin().await?;
        // Several processes may make it at the same time.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('sourced tables'), hashtext($1))")
            .persistent(false)
            .bind(self.schema())
            .execute(&mut *transaction)
            .await?;
        let (found, indexed) = self.found(&mut transaction, table).await?;
        let name = self.table(table);
        if found.is_empty() {
            run(&mut transaction, definition(&name, table)).await?;
            self.set_back(&mut transaction, group).await?;
        } else if let Err(error) = table.compare(&found) {
            return Ok(Err(error));
        } else if self
            .has_rows_of_others(&mut transaction, table, group)
            .await?
        {
            return Ok(Err(TableError::occupied(table, group)));
        }
        for column in &table.columns {
            let is_unique = found
                .iter()
                .any(|there| there.name == column.name && there.is_unique);
            let create = match column.mark {
                Mark::Unique if !is_unique => "CREATE UNIQUE INDEX",
                Mark::Index if !indexed.iter().any(|name| name == column.name) => "CREATE INDEX",
                _ => continue,
            };
            let create = format!("{create} ON {name} (\"{}\")", column.name);
            run(&mut transaction, create).await?;
        }
        transaction.commit().await?;
        Ok(Ok(()))
    }

    /// Whether there are rows, and the group is new.
    async fn has_rows_of_others(
        &self,
        connection: &mut PgConnection,
        table: &Table,
        group: &GroupId,
    ) -> Attempt<bool> {
        let types: Option<Vec<String>> = self
            .inner
            .sql
            .group_types
            .query_scalar()
            .bind(group.as_str())
            .fetch_optional(&mut *connection)
            .await?;
        if types.is_some() {
            return Ok(false);
        }
        let has_rows = format!("SELECT EXISTS (SELECT FROM {})", self.table(table));
        let has_rows = self
            .inner
            .sql
            .own(has_rows)
            .query_scalar()
            .fetch_one(connection);
        Ok(has_rows.await?)
    }

    /// False when there is no such group.
    async fn rebuild_once(
        &self,
        connection: &mut PgConnection,
        table: &Table,
        group: &GroupId,
    ) -> Attempt<bool> {
        let mut transaction = connection.begin().await?;
        // First: it waits for whoever acknowledges, and what they wrote goes, too.
        if !self.set_back(&mut transaction, group).await? {
            return Ok(false);
        }
        run(&mut transaction, format!("TRUNCATE {}", self.table(table))).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn set_back(&self, connection: &mut PgConnection, group: &GroupId) -> Attempt<bool> {
        let is_known = self
            .inner
            .sql
            .reset_group
            .query_scalar()
            .bind(group.as_str())
            .bind(None::<&str>)
            .bind(0_i64)
            .bind(None::<sqlx::types::chrono::DateTime<sqlx::types::chrono::Utc>>)
            .fetch_one(connection)
            .await?;
        Ok(is_known)
    }

    /// The columns of the table as it is, none when it is not there; and those with an index.
    async fn found(
        &self,
        connection: &mut PgConnection,
        table: &Table,
    ) -> Attempt<(Vec<FoundColumn>, Vec<String>)> {
        let rows = sqlx::query(include_str!("sql/table_columns.sql"))
            .persistent(false)
            .bind(self.schema())
            .bind(table.physical_name())
            .fetch_all(connection)
            .await?;
        let (mut found, mut indexed) = (Vec::new(), Vec::new());
        for row in rows {
            let name: String = row.try_get("name")?;
            let said: String = row.try_get("said")?;
            if row.try_get("is_indexed")? {
                indexed.push(name.clone());
            }
            let expected = table.columns.iter().find(|column| column.name == name);
            found.push(FoundColumn {
                of: expected
                    .map(|column| column.of)
                    .filter(|of| said == kept_as(*of)),
                nulls: if row.try_get("is_not_null")? {
                    Nulls::Refused
                } else {
                    Nulls::Allowed
                },
                is_key: row.try_get("is_key")?,
                is_unique: row.try_get("is_unique")?,
                has_default: row.try_get("has_default")?,
                name,
                said,
            });
        }
        Ok((found, indexed))
    }
}

fn definition(name: &str, table: &Table) -> String {
    let columns = table.columns.iter().map(|column| {
        let nulls = match column.nulls {
            Nulls::Allowed => "",
            Nulls::Refused => " NOT NULL",
        };
        // The order of text is that of its bytes in every database, whatever its locale.
        let collation = match column.of {
            ColumnType::Text => " COLLATE \"C\"",
            _ => "",
        };
        format!(
            "\"{}\" {}{collation}{nulls}",
            column.name,
            kept_as(column.of)
        )
    });
    let columns: Vec<String> = columns.collect();
    let key: Vec<String> = table
        .key()
        .map(|(_, column)| format!("\"{}\"", column.name))
        .collect();
    let (columns, key) = (columns.join(", "), key.join(", "));
    format!("CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}))")
}

/// A column as its struct says, whatever it is: where somebody alters it, a prepared statement must not fail for good on the
/// connections that know it.
pub(crate) fn read_as_told(column: &Column, name: &str) -> String {
    format!("{name}::{}", kept_as(column.of))
}

/// As `format_type` says it.
pub(crate) fn kept_as(of: ColumnType) -> &'static str {
    match of {
        ColumnType::Text => "text",
        ColumnType::Integer => "bigint",
        ColumnType::Float => "double precision",
        ColumnType::Bool => "boolean",
        ColumnType::Bytes => "bytea",
        ColumnType::Uuid => "uuid",
        ColumnType::Timestamp => "timestamp with time zone",
        ColumnType::Json => "json",
    }
}

/// Names in the text were checked.
async fn run(connection: &mut PgConnection, text: String) -> Result<(), SqlError> {
    // Made once: nothing of it need stay prepared.
    let query = sqlx::query(AssertSqlSafe(text)).persistent(false);
    query.execute(connection).await?;
    Ok(())
}
