//! The log: reading it.

use async_trait::async_trait;
use sourced::Position;
use sourced::backend::{BackendError, Extent, Log, Page, ReadLog, ReadStream, Selection, Summary};
use sourced::message::{CorrelationId, MessageId, StoredMessage};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sqlx::types::chrono::{DateTime, Utc};

use crate::backend::{Postgres, retrying};
use crate::connecting::LONG;
use crate::pages::Conditions;
use crate::row::{
    clamped, each_message, get, kind_name, message, messages, messages_of, number, position,
};

#[async_trait]
impl Log for Postgres {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        let rows = retrying!(self, connection => self.read_once(&mut connection, &read).await)?;
        messages_of(&read.stream, &rows)
    }

    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
        let farthest = read.stretch(Position::new(u64::MAX)).upto;
        let stretch = read.stretch(self.decided(farthest).await?);
        let text = self.inner.sql.pages.page(read);
        let conditions = Conditions::of(&read.selection);
        let (after, upto) = (clamped(stretch.after.get()), clamped(stretch.upto.get()));
        let rows = retrying!(self, connection => conditions
            .bind(text.query(), after, upto, read.most())
            .fetch_all(&mut *connection)
            .await)?;
        read.page(stretch, each_message(&rows)?)
    }

    async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError> {
        if !selection.metadata.is_empty() {
            return Summary::by_reading(self, selection).await;
        }
        let upto = selection.upto.unwrap_or(Position::new(u64::MAX));
        let upto = upto.min(self.decided(upto).await?);
        let text = self.inner.sql.pages.summary(selection);
        let conditions = Conditions::of(selection);
        let (after, upto) = (clamped(selection.after.get()), clamped(upto.get()));
        let row = retrying!(self, LONG; connection => conditions
            .bind(text.query(), after, upto, 0)
            .fetch_one(&mut *connection)
            .await)?;
        summary(&row)
    }

    async fn log_end(&self) -> Result<Position, BackendError> {
        position(retrying!(self, connection => self.horizon(&mut connection).await)?)
    }

    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        let row = retrying!(self, connection => self.inner.sql.find.query()
            .bind(id.as_uuid())
            .fetch_optional(&mut *connection)
            .await)?;
        row.as_ref().map(message).transpose()
    }

    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        let rows = retrying!(self, connection => self.inner.sql.read_correlation.query()
            .bind(id.as_uuid())
            .fetch_all(&mut *connection)
            .await)?;
        messages(&rows)
    }

    fn setbacks(&self) -> u64 {
        self.inner.history.setbacks()
    }
}

impl Postgres {
    pub(crate) async fn read_once(
        &self,
        connection: &mut PgConnection,
        read: &ReadStream,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let text = self.inner.sql.read_stream.of(read.direction);
        text.query()
            .bind(read.stream.as_str())
            .bind(read.after.map_or(0, |seq| clamped(seq.get())))
            .bind(read.upto.map_or(i64::MAX, |seq| clamped(seq.get())))
            .bind(read.kind.map(kind_name))
            .bind(read.limit.map(clamped))
            .fetch_all(connection)
            .await
    }

    /// A position up to which everything is decided: one beyond this one if such a one is known, or else the last one. So
    /// nobody takes for the end of the log what is only the end of a stretch.
    ///
    /// With a condition one cannot tell by a missing position that somebody is late, so the database is asked; but what is
    /// decided stays so, and a reader that catches up asks once.
    async fn decided(&self, upto: Position) -> Result<Position, BackendError> {
        let known = self.inner.history.horizon();
        if clamped(upto.get()) < known {
            return position(known);
        }
        position(retrying!(self, connection => self.horizon(&mut connection).await)?)
    }

    /// The last position that exists, up to which everything is decided. What relies on it must be a later statement.
    async fn horizon(&self, connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
        let history = &self.inner.history;
        history.look_again(connection).await?;
        let setbacks = history.setbacks();
        let horizon = self
            .inner
            .sql
            .horizon
            .query_scalar()
            .fetch_one(connection)
            .await?;
        history.raise_horizon(horizon, setbacks);
        Ok(horizon)
    }
}

fn summary(row: &PgRow) -> Result<Summary, BackendError> {
    let count = number(get(row, "count")?)?;
    let extent = if count == 0 {
        None
    } else {
        let time = |column| get::<DateTime<Utc>>(row, column).map(Into::into);
        Some(Extent {
            first: position(get(row, "first")?)?,
            last: position(get(row, "last")?)?,
            earliest: time("earliest")?,
            latest: time("latest")?,
        })
    };
    Ok(Summary { count, extent })
}
