//! The log: appending and reading.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sourced::backend::{
    AppendError, Appended, BackendError, Limits, ReadStream, Store, StreamAppend,
};
use sourced::message::{CorrelationId, MessageId};
use sourced::{ExpectedSeq, Position, StoredMessage};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use crate::backend::Sqlite;
use crate::row::{self, limit, signed};
use crate::writer::Effect;
use crate::{append, error};

#[async_trait]
impl Store for Sqlite {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        Limits::default().check(&appends)?;
        append::refuse_repetitions(&appends, &[])?;
        let is_nothing = |append: &StreamAppend| {
            append.messages.is_empty() && append.expected == ExpectedSeq::Any
        };
        if appends.iter().all(is_nothing) {
            return Ok(Vec::new());
        }
        let sql = Arc::clone(&self.inner.sql);
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { append::append(connection, &sql, &appends).await })
            })
            .await
    }

    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.messages(self.reading(&read)).await
    }

    async fn read_log(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        // Differs from Postgres: there is one writer, so what is stored is decided.
        let query = sqlx::query(self.inner.sql.read_log.clone())
            .bind(signed(after.get()))
            .bind(row::limit(limit));
        self.messages(query).await
    }

    async fn log_end(&self) -> Result<Position, BackendError> {
        let row = sqlx::query(self.inner.sql.log_end.clone())
            .fetch_one(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        Ok(Position::new(row::unsigned(&row, 0)?))
    }

    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
        let query = sqlx::query(self.inner.sql.find.clone()).bind(id.as_uuid().as_bytes().to_vec());
        Ok(self.messages(query).await?.pop())
    }

    async fn read_correlation(
        &self,
        id: CorrelationId,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        let query = sqlx::query(self.inner.sql.read_correlation.clone())
            .bind(id.as_uuid().as_bytes().to_vec());
        self.messages(query).await
    }
}

impl Sqlite {
    /// The query for a part of a stream.
    pub(crate) fn reading(
        &self,
        read: &ReadStream,
    ) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
        sqlx::query(self.inner.sql.read_stream.clone())
            .bind(read.stream.as_str().to_owned())
            .bind(read.after.map_or(0, |seq| signed(seq.get())))
            .bind(read.upto.map_or(i64::MAX, |seq| signed(seq.get())))
            .bind(read.kind.map(row::kind_text))
            .bind(read.limit.map_or(i64::MAX, limit))
    }

    async fn messages(
        &self,
        query: Query<'_, sqlx::Sqlite, SqliteArguments>,
    ) -> Result<Vec<StoredMessage>, BackendError> {
        messages(&mut *self.reader().await?, query).await
    }
}

pub(crate) async fn messages(
    connection: &mut SqliteConnection,
    query: Query<'_, sqlx::Sqlite, SqliteArguments>,
) -> Result<Vec<StoredMessage>, BackendError> {
    let mut rows = query.fetch(connection);
    let mut messages = Vec::new();
    let mut removed = None;
    while let Some(row) = rows.try_next().await.map_err(error::backend)? {
        match row::message(&row) {
            // The last one is told.
            Err(gone @ BackendError::Removed { .. }) => removed = Some(gone),
            message => messages.push(message?),
        }
    }
    removed.map_or(Ok(messages), Err)
}
