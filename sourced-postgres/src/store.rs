//! The log: appending to streams.

use std::collections::HashMap;

use async_trait::async_trait;
use sourced::backend::{AppendError, Appended, BackendError, Store, StreamAppend};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sqlx::types::Uuid;

use crate::append::{Appends, Stored};
use crate::backend::{Attempt, Postgres, retrying};
use crate::error::SqlError;
use crate::row::{get, position, seq, stream};

#[async_trait]
impl Store for Postgres {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        let appends = Appends::checked(appends, &[], &self.inner.limits)?;
        if appends.is_empty() {
            return Ok(Vec::new());
        }
        let appended = self.append_checked(appends).await?;
        self.inner.history.stored(&appended);
        Ok(appended)
    }

    async fn takes_writes(&self) -> Result<(), BackendError> {
        retrying!(self, connection => async {
            let is_read_only: bool = self.inner.sql.is_read_only.query_scalar()
                .fetch_one(&mut *connection)
                .await?;
            if is_read_only { Err(SqlError::read_only()) } else { Ok(()) }
        }
        .await)?;
        Ok(())
    }
}

impl Postgres {
    /// Stores appends in a transaction of their own.
    pub(crate) async fn append_alone(
        &self,
        appends: &Appends,
    ) -> Result<Vec<Appended>, AppendError> {
        match retrying!(self, connection => self.place_once(&mut connection, appends).await) {
            Ok(appended) => {
                self.inner.hints.raise();
                return Ok(appended);
            }
            Err(error) if error.is_stored_already() => {}
            Err(error) => return Err(appends.error(error)),
        }
        // Rare: an earlier try of the same append, perhaps our own, has gone through.
        for _ in 0..4 {
            let mut stored = self.stored(appends).await?;
            let rest = appends.without(&stored)?;
            if rest.is_empty() {
                return appends.placed(&stored);
            }
            match retrying!(self, connection => self.append_once(&mut connection, &rest).await) {
                Ok(placed) => {
                    self.inner.hints.raise();
                    stored.extend(placed);
                    return appends.placed(&stored);
                }
                Err(error) if error.is_stored_already() => {}
                Err(error) => return Err(rest.error(error)),
            }
        }
        Err(AppendError::Backend(BackendError::Corrupt(
            "a message is stored, and then it is not".to_owned(),
        )))
    }

    /// Where the given messages are stored by now, if they are.
    pub(crate) async fn stored(&self, appends: &Appends) -> Result<Stored, BackendError> {
        let ids = appends.ids();
        let rows = retrying!(self, connection => self.stored_once(&mut connection, &ids).await)?;
        places(&rows)
    }

    /// The same, as an open transaction sees it.
    pub(crate) async fn stored_on(
        &self,
        connection: &mut PgConnection,
        appends: &Appends,
    ) -> Result<Stored, BackendError> {
        let rows = self.stored_once(connection, &appends.ids()).await;
        places(&rows.map_err(SqlError::from)?)
    }

    // A transaction whose wait for a replica was cut off, by a crash or an operator, has committed all the same, and is seen
    // before the replica has it. Who is told that a message is stored relies on that: so this writes something, which
    // is committed where the replica has all that came before it.
    async fn stored_once(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        self.inner
            .sql
            .stored_ids
            .query()
            .bind(ids)
            .fetch_all(connection)
            .await
    }

    pub(crate) async fn append_once(
        &self,
        connection: &mut PgConnection,
        appends: &Appends,
    ) -> Attempt<Stored> {
        appends.read_places(&self.append_row(connection, appends).await?)
    }

    /// The same, for who needs the places in the order of the messages.
    async fn place_once(
        &self,
        connection: &mut PgConnection,
        appends: &Appends,
    ) -> Attempt<Vec<Appended>> {
        appends.read_appended(&self.append_row(connection, appends).await?)
    }

    async fn append_row(&self, connection: &mut PgConnection, appends: &Appends) -> Attempt<PgRow> {
        let arrays = appends.arrays();
        let query = self.inner.sql.append.query();
        Ok(arrays.bind(query).fetch_one(connection).await?)
    }
}

fn places(rows: &[PgRow]) -> Result<Stored, BackendError> {
    let mut stored = HashMap::new();
    for row in rows {
        let place = Appended {
            id: get::<Uuid>(row, "id")?.into(),
            seq: seq(get(row, "seq")?)?,
            position: position(get(row, "position")?)?,
            already_stored: true,
        };
        stored.insert(place.id, (stream(get(row, "stream")?)?, place));
    }
    Ok(stored)
}
