//! Which versions of tables are live.

use async_trait::async_trait;
use sourced::GroupId;
use sourced::backend::{BackendError, Live, Swap, Swapped, Table, Versions};
use sqlx::postgres::PgRow;

use crate::backend::{Postgres, retrying};
use crate::row::get;

#[async_trait]
impl Versions for Postgres {
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError> {
        let row = retrying!(self, connection =>
            self.inner.sql.live_version.query()
                .bind(table)
                .fetch_optional(&mut *connection)
                .await)?;
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
}

fn swapped(swap: &Swap, said: &str) -> Result<Swapped, BackendError> {
    match said {
        "done" => Ok(Swapped::Done),
        "behind" => Ok(Swapped::Behind),
        "moved" => Ok(Swapped::Moved),
        _ => Err(BackendError::UnknownGroup(swap.to.clone())),
    }
}

fn read(row: &PgRow) -> Result<Live, BackendError> {
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
