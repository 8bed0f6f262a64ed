//! The log: appending to streams and reading them.

use std::collections::HashMap;

use async_trait::async_trait;
use sourced::Position;
use sourced::backend::{AppendError, Appended, BackendError, ReadStream, Store, StreamAppend};
use sourced::message::{CorrelationId, MessageId, StoredMessage};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sqlx::types::Uuid;

use crate::append::{Appends, Stored};
use crate::backend::{Attempt, Postgres, retrying};
use crate::error::SqlError;
use crate::row::{clamped, get, kind_name, message, messages, messages_of, position, seq, stream};

#[async_trait]
impl Store for Postgres {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        let appends = Appends::checked(appends, &[], &self.inner.limits)?;
        if appends.is_empty() {
            return Ok(Vec::new());
        }
        self.append_checked(appends).await
    }

    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        let rows = retrying!(self, connection => self.read_once(&mut connection, &read).await)?;
        messages_of(&read.stream, &rows)
    }

    async fn read_log(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        // Few distinct texts: the statements are prepared once for each.
        let ceiling = limit.clamp(1, 1 << 30).next_power_of_two();
        let text = self.inner.sql.read_log.sized([("{limit}", ceiling)]);
        let page = async |connection: &mut PgConnection, upto: i64| {
            sqlx::query(text.safe())
                .bind(clamped(after.get()))
                .bind(upto)
                .bind(clamped(limit))
                .fetch_all(connection)
                .await
        };
        let rows = retrying!(self, connection => page(&mut connection, i64::MAX).await)?;
        let log = messages(&rows)?;
        // Where no position is missing, nobody can be late.
        let has_hole = (1..)
            .zip(&log)
            .any(|(nth, message)| message.position.get() != after.get().saturating_add(nth));
        if !has_hole {
            return Ok(log);
        }
        let rows = retrying!(self, connection => async {
            let horizon = self.horizon(&mut connection).await?;
            page(&mut connection, horizon).await
        }.await)?;
        messages(&rows)
    }

    async fn log_end(&self) -> Result<Position, BackendError> {
        let last = retrying!(self, connection => async {
            let horizon = self.horizon(&mut connection).await?;
            sqlx::query_scalar(self.inner.sql.log_end.safe())
                .bind(horizon)
                .fetch_one(&mut *connection)
                .await
        }.await)?;
        position(last)
    }

    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        let row = retrying!(self, connection => sqlx::query(self.inner.sql.find.safe())
            .bind(id.as_uuid())
            .fetch_optional(&mut *connection)
            .await)?;
        row.as_ref().map(message).transpose()
    }

    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        let rows = retrying!(self, connection => sqlx::query(self.inner.sql.read_correlation.safe())
            .bind(id.as_uuid())
            .fetch_all(&mut *connection)
            .await)?;
        messages(&rows)
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

    async fn stored_once(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        sqlx::query(self.inner.sql.stored_ids.safe())
            .bind(ids)
            .fetch_all(connection)
            .await
    }

    pub(crate) async fn read_once(
        &self,
        connection: &mut PgConnection,
        read: &ReadStream,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        sqlx::query(self.inner.sql.read_stream.safe())
            .bind(read.stream.as_str())
            .bind(read.after.map_or(0, |seq| clamped(seq.get())))
            .bind(read.upto.map_or(i64::MAX, |seq| clamped(seq.get())))
            .bind(read.kind.map(kind_name))
            .bind(read.limit.map(clamped))
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
        let query = sqlx::query(self.inner.sql.append.safe());
        Ok(arrays.bind(query).fetch_one(connection).await?)
    }

    /// The last position up to which everything is decided. What relies on it must be a later statement.
    async fn horizon(&self, connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(self.inner.sql.horizon.safe())
            .fetch_one(connection)
            .await
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
