//! Which versions of tables are live.

use std::time::Duration;

use async_trait::async_trait;
use sourced::GroupId;
use sourced::backend::{BackendError, Live, Swap, Swapped, Table, Versions};
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection};

use crate::backend::{Attempt, Postgres, retrying};
use crate::claims::micros;
use crate::connecting::LONG;
use crate::row::get;
use crate::rows::of_table;
use crate::sql::Sql;

#[async_trait]
impl Versions for Postgres {
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError> {
        let sql = &self.inner.sql;
        let row = retrying!(self, connection => find(sql, &mut connection, table).await)?;
        row.as_ref().map(read).transpose()
    }

    async fn enter(&self, table: &Table, first: &GroupId) -> Result<Live, BackendError> {
        if let Some(live) = self.live(table.name).await? {
            return Ok(live);
        }
        retrying!(self, connection =>
            self.inner.sql.enter_version.query()
                .bind(table.name)
                .bind(i64::from(table.version))
                .bind(first.as_str())
                .execute(&mut *connection)
                .await)?;
        let missing = || BackendError::Corrupt("the live version of a table".to_owned());
        self.live(table.name).await?.ok_or_else(missing)
    }

    async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        let said: String = retrying!(self, connection =>
            self.inner.sql.swap_version.query_scalar()
                .bind(swap.table)
                .bind(i64::from(swap.seen.version))
                .bind(swap.seen.previous.map(i64::from))
                .bind(swap.seen.rolled_back.map(i64::from))
                .bind(i64::from(swap.version))
                .bind(swap.from.as_str())
                .bind(swap.to.as_str())
                .bind(swap.reason())
                .fetch_one(&mut *connection)
                .await)?;
        swapped(swap, &said)
    }

    async fn roll_back(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        let said: String = retrying!(self, connection =>
            self.inner.sql.roll_back_version.query_scalar()
                .bind(swap.table)
                .bind(i64::from(swap.seen.version))
                .bind(swap.seen.previous.map(i64::from))
                .bind(swap.seen.rolled_back.map(i64::from))
                .bind(i64::from(swap.version))
                .bind(swap.to.as_str())
                .fetch_one(&mut *connection)
                .await)?;
        self.inner.hints.raise();
        swapped(swap, &said)
    }

    async fn hold(
        &self,
        group: &GroupId,
        length: Duration,
        rest: Duration,
    ) -> Result<bool, BackendError> {
        let held = retrying!(self, connection =>
            self.inner.sql.hold_group.query()
                .bind(group.as_str())
                .bind(micros(length))
                .bind(micros(rest))
                .execute(&mut *connection)
                .await)?;
        Ok(held.rows_affected() > 0)
    }

    async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError> {
        table.check()?;
        let is_forgotten = retrying!(self, LONG; connection => self.forget_once(&mut connection, table, group).await);
        let is_forgotten = is_forgotten.map_err(of_table)?;
        self.sweep().await?;
        Ok(is_forgotten)
    }
}

impl Postgres {
    async fn forget_once(
        &self,
        connection: &mut PgConnection,
        table: &Table,
        group: &GroupId,
    ) -> Attempt<bool> {
        let mut transaction = connection.begin().await?;
        let is_forgotten = self
            .inner
            .sql
            .forget_version
            .query_scalar()
            .bind(table.name)
            .bind(i64::from(table.version))
            .bind(group.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if is_forgotten {
            self.drop_in(&mut transaction, table).await?;
        }
        transaction.commit().await?;
        Ok(is_forgotten)
    }
}

fn swapped(swap: &Swap, said: &str) -> Result<Swapped, BackendError> {
    match said {
        "done" => Ok(Swapped::Done),
        "behind" => Ok(Swapped::Behind),
        "moved" => Ok(Swapped::Moved),
        _ => Err(BackendError::UnknownGroup(swap.to.clone())),
    }
}

/// Looks which one is live as this connection sees it.
pub(crate) async fn find(
    sql: &Sql,
    connection: &mut PgConnection,
    table: &str,
) -> Attempt<Option<PgRow>> {
    let query = sql.live_version.query().bind(table);
    Ok(query.fetch_optional(connection).await?)
}

pub(crate) fn read(row: &PgRow) -> Result<Live, BackendError> {
    let version = |number: i64| {
        let corrupt = |_| BackendError::Corrupt("the version of a table".to_owned());
        u32::try_from(number).map_err(corrupt)
    };
    let [previous, rolled_back]: [Option<i64>; 2] =
        [get(row, "previous")?, get(row, "rolled_back")?];
    Ok(Live {
        version: version(get(row, "version")?)?,
        previous: previous.map(version).transpose()?,
        rolled_back: rolled_back.map(version).transpose()?,
    })
}
