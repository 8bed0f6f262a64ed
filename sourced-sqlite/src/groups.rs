//! Consumer groups.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{BackendError, Group, Groups, StartFrom};
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::backend::Sqlite;
use crate::error;
use crate::sql::Statements;
use crate::writer::Effect;

#[async_trait]
impl Groups for Sqlite {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        let wanted = types(group);
        let sql = Arc::clone(&self.inner.sql);
        // Every start of every process registers all its groups: the common case takes no lock.
        let known = known_types(&mut *self.reader().await?, &sql, group.id.as_str()).await?;
        if known.is_some_and(|(_, types)| types == wanted) {
            return Ok(());
        }
        let group = group.clone();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { register(connection, &sql, &group).await })
            })
            .await
    }
}

async fn register(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &Group,
) -> Result<(), BackendError> {
    let wanted = types(group);
    let Some((id, known)) = known_types(connection, sql, group.id.as_str()).await? else {
        let start = match group.start_from {
            StartFrom::Beginning => 0,
            StartFrom::Now => number(sqlx::query(sql.log_end.clone()), connection).await?,
        };
        let insert = sqlx::query(sql.insert_group.clone())
            .bind(group.id.as_str())
            .bind(start);
        let id = number(insert, connection).await?;
        return store_types(connection, sql, id, &wanted).await;
    };
    if known == wanted {
        return Ok(());
    }
    store_types(connection, sql, id, &wanted).await?;
    // Messages of a new type may lie anywhere above what the lanes have acknowledged, so the log is sorted again.
    for statement in [&sql.rewind_group, &sql.fence_group] {
        let done = sqlx::query(statement.clone())
            .bind(id)
            .execute(&mut *connection);
        done.await.map_err(error::backend)?;
    }
    Ok(())
}

fn types(group: &Group) -> BTreeSet<String> {
    let names = group.types.iter().map(|name| name.as_str().to_owned());
    names.collect()
}

async fn known_types(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &str,
) -> Result<Option<(i64, BTreeSet<String>)>, BackendError> {
    let row = sqlx::query(sql.find_group.clone())
        .bind(group)
        .fetch_optional(&mut *connection)
        .await
        .map_err(error::backend)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let id: i64 = row.try_get(0).map_err(error::backend)?;
    let rows = sqlx::query(sql.group_types.clone())
        .bind(id)
        .fetch_all(connection)
        .await
        .map_err(error::backend)?;
    let types = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>();
    Ok(Some((id, types.map_err(error::backend)?)))
}

async fn store_types(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: i64,
    types: &BTreeSet<String>,
) -> Result<(), BackendError> {
    let delete = sqlx::query(sql.delete_types.clone()).bind(group);
    delete
        .execute(&mut *connection)
        .await
        .map_err(error::backend)?;
    let types: Vec<_> = types.iter().collect();
    let insert = sqlx::query(sql.insert_types.clone())
        .bind(group)
        .bind(json(&types));
    let done = insert.execute(connection).await;
    done.map(drop).map_err(error::backend)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

async fn number(query: Query<'_>, connection: &mut SqliteConnection) -> Result<i64, BackendError> {
    let row = query.fetch_one(connection).await.map_err(error::backend)?;
    row.try_get(0).map_err(error::backend)
}
