//! Which versions of tables are live.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sourced::GroupId;
use sourced::backend::{BackendError, Live, Swap, Swapped, Table, Versions};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::groups::number;
use crate::lanes::micros;
use crate::sql::Statements;
use crate::{error, tables};

#[async_trait]
impl Versions for Sqlite {
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError> {
        live(&mut *self.reader().await?, &self.inner.sql, table).await
    }

    async fn enter(&self, table: &Table, first: &GroupId) -> Result<Live, BackendError> {
        // Every start of every process enters all its tables: the common case takes no lock.
        if let Some(live) = self.live(table.name).await? {
            return Ok(live);
        }
        let sql = Arc::clone(&self.inner.sql);
        let (name, version, first) = (table.name, table.version, first.clone());
        let entered = self.inner.writer.run(Effect::Lasting, move |connection| {
            Box::pin(async move {
                let is_known = group(connection, &sql, &first).await?.is_some();
                let enter = sqlx::query(sql.enter_version.clone())
                    .bind(name)
                    .bind(if is_known { 1 } else { version });
                enter
                    .execute(&mut *connection)
                    .await
                    .map_err(error::backend)?;
                live(connection, &sql, name).await
            })
        });
        let missing = || BackendError::Corrupt("the live version of a table".to_owned());
        entered.await?.ok_or_else(missing)
    }

    async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let swap = swap.clone();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { swap_in(connection, &sql, &swap).await })
            })
            .await
    }

    async fn roll_back(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let swap = swap.clone();
        let done = self.inner.writer.run(Effect::Lasting, move |connection| {
            Box::pin(async move {
                known(connection, &sql, &swap.to).await?;
                if live(connection, &sql, swap.table).await? != Some(swap.seen) {
                    return Ok::<_, BackendError>(Swapped::Moved);
                }
                let start = sqlx::query(sql.start_group.clone()).bind(swap.to.as_str());
                let started = start.execute(&mut *connection).await;
                started.map_err(error::backend)?;
                put(connection, &sql, swap.table, swap.rolled_back()).await?;
                Ok(Swapped::Done)
            })
        });
        let done = done.await?;
        self.inner.signal.raise();
        Ok(done)
    }

    async fn hold(
        &self,
        group: &GroupId,
        length: Duration,
        rest: Duration,
    ) -> Result<bool, BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let group = group.clone();
        self.inner
            .writer
            .run(Effect::Redone, move |connection| {
                Box::pin(async move {
                    let hold = sqlx::query(sql.hold_group.clone())
                        .bind(group.as_str())
                        .bind(micros(length))
                        .bind(micros(rest));
                    let done = hold.execute(connection).await;
                    Ok(done.map_err(error::backend)?.rows_affected() > 0)
                })
            })
            .await
    }

    async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError> {
        table.check()?;
        let sql = Arc::clone(&self.inner.sql);
        let (table, group) = (table.clone(), group.clone());
        let is_forgotten = self.inner.writer.run(Effect::Lasting, move |connection| {
            Box::pin(async move {
                let live = live(connection, &sql, table.name).await?;
                if live.is_some_and(|live| live.version == table.version) {
                    return Ok::<_, BackendError>(false);
                }
                let forget = sqlx::query(sql.forget_previous.clone())
                    .bind(table.name)
                    .bind(table.version);
                let remove = sqlx::query(sql.remove_group.clone()).bind(group.as_str());
                for statement in [forget, remove] {
                    let done = statement.execute(&mut *connection).await;
                    done.map_err(error::backend)?;
                }
                tables::drop_in(connection, &sql, &table).await?;
                Ok(true)
            })
        });
        let is_forgotten = is_forgotten.await?;
        self.sweep().await?;
        Ok(is_forgotten)
    }
}

async fn swap_in(
    connection: &mut SqliteConnection,
    sql: &Statements,
    swap: &Swap,
) -> Result<Swapped, BackendError> {
    let to = known(connection, sql, &swap.to).await?;
    if live(connection, sql, swap.table).await? != Some(swap.seen) {
        return Ok(Swapped::Moved);
    }
    let from = group(connection, sql, &swap.from).await?;
    let is_behind = sqlx::query(sql.is_behind.clone())
        .bind(to)
        .bind(from)
        .fetch_one(&mut *connection)
        .await
        .map_err(error::backend)?;
    if is_behind.try_get(0).map_err(error::backend)? {
        return Ok(Swapped::Behind);
    }
    if let Some(from) = from {
        let stop = sqlx::query(sql.stop_group.clone())
            .bind(swap.from.as_str())
            .bind(swap.reason());
        // So that no unit of a program with the old version goes on with it.
        let hold = sqlx::query(sql.hold_for_good.clone()).bind(from);
        let fence = sqlx::query(sql.fence_group.clone()).bind(from);
        for statement in [stop, hold, fence] {
            let done = statement.execute(&mut *connection).await;
            done.map_err(error::backend)?;
        }
    }
    put(connection, sql, swap.table, swap.done()).await?;
    Ok(Swapped::Done)
}

pub(crate) async fn live(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &str,
) -> Result<Option<Live>, BackendError> {
    let row = sqlx::query(sql.live_version.clone()).bind(table);
    let row = row.fetch_optional(connection).await;
    let row = row.map_err(error::backend)?;
    row.as_ref().map(read).transpose().map_err(error::backend)
}

fn read(row: &SqliteRow) -> Result<Live, sqlx::Error> {
    Ok(Live {
        version: row.try_get(0)?,
        previous: row.try_get(1)?,
        rolled_back: row.try_get(2)?,
    })
}

async fn put(
    connection: &mut SqliteConnection,
    sql: &Statements,
    table: &str,
    live: Live,
) -> Result<(), BackendError> {
    let put = sqlx::query(sql.put_live_version.clone())
        .bind(table)
        .bind(live.version)
        .bind(live.previous)
        .bind(live.rolled_back);
    let done = put.execute(connection).await;
    done.map(drop).map_err(error::backend)
}

async fn group(
    connection: &mut SqliteConnection,
    sql: &Statements,
    group: &GroupId,
) -> Result<Option<i64>, BackendError> {
    let row = sqlx::query(sql.find_group.clone()).bind(group.as_str());
    let row = row.fetch_optional(connection).await;
    let row = row.map_err(error::backend)?;
    row.map(|row| number(&row, 0)).transpose()
}

async fn known(
    connection: &mut SqliteConnection,
    sql: &Statements,
    id: &GroupId,
) -> Result<i64, BackendError> {
    let known = group(connection, sql, id).await?;
    known.ok_or_else(|| BackendError::UnknownGroup(id.clone()))
}
