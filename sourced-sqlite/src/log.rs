//! The log: reading it.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sourced::backend::{
    BackendError, Direction, Extent, Log, Page, ReadLog, ReadStream, Selection, Source, Summary,
};
use sourced::message::{CorrelationId, MessageId};
use sourced::{Position, StoredMessage, StreamId, Timestamp};
use sqlx::Row as _;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};

use crate::backend::Sqlite;
use crate::error;
use crate::pages::{Bounds, Conditions, list};
use crate::reader::SqliteReader;
use crate::row::{self, MessageReader, limit, signed};
use crate::sql::Statements;

/// The same for whoever has connections that read.
macro_rules! log_of {
    ($($backend:ty),*) => {$(
        #[async_trait]
        impl Log for $backend {
            async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
                let query = reading(self.sql(), &read);
                messages(&mut *self.reader().await?, query).await
            }

            async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError> {
                read_log(&mut *self.reader().await?, self.sql(), read).await
            }

            async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError> {
                if !selection.metadata.is_empty() {
                    return Summary::by_reading(self, selection).await;
                }
                summary(&mut *self.reader().await?, self.sql(), selection).await
            }

            async fn log_end(&self) -> Result<Position, BackendError> {
                log_end(&mut *self.reader().await?, self.sql()).await
            }

            async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError> {
                let query = sqlx::query(self.sql().find.clone()).bind(id.as_uuid().as_bytes().to_vec());
                Ok(messages(&mut *self.reader().await?, query).await?.pop())
            }

            async fn read_correlation(
                &self,
                id: CorrelationId,
            ) -> Result<Vec<StoredMessage>, BackendError> {
                let query = sqlx::query(self.sql().read_correlation.clone())
                    .bind(id.as_uuid().as_bytes().to_vec());
                messages(&mut *self.reader().await?, query).await
            }

            fn setbacks(&self) -> u64 {
                self.file().setbacks()
            }
        }
    )*};
}
log_of!(Sqlite, SqliteReader);

/// The query for a part of a stream.
pub(crate) fn reading(
    sql: &Statements,
    read: &ReadStream,
) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    let statement = match read.direction {
        Direction::Forwards => &sql.read_stream,
        Direction::Backwards => &sql.read_stream_backwards,
    };
    sqlx::query(statement.clone())
        .bind(read.stream.as_str().to_owned())
        .bind(read.after.map_or(0, |seq| signed(seq.get())))
        .bind(read.upto.map_or(i64::MAX, |seq| signed(seq.get())))
        .bind(read.kind.map(row::kind_text))
        .bind(read.limit.map_or(i64::MAX, limit))
}

pub(crate) async fn messages(
    connection: &mut SqliteConnection,
    query: Query<'_, sqlx::Sqlite, SqliteArguments>,
) -> Result<Vec<StoredMessage>, BackendError> {
    let mut rows = query.fetch(connection);
    let mut messages = Vec::new();
    let mut removed = None;
    let mut reader = MessageReader::default();
    while let Some(row) = rows.try_next().await.map_err(error::backend)? {
        match reader.read(&row) {
            // The last one is told, in whichever direction was read.
            Err(BackendError::Removed { stream, upto }) => {
                removed = removed.max(Some((upto, stream)));
            }
            message => messages.push(message?),
        }
    }
    match removed {
        Some((upto, stream)) => Err(BackendError::Removed { stream, upto }),
        None => Ok(messages),
    }
}

/// The messages one by one, as far as each can be read.
async fn each_message(
    connection: &mut SqliteConnection,
    query: Query<'_, sqlx::Sqlite, SqliteArguments>,
) -> Result<Vec<Result<StoredMessage, BackendError>>, BackendError> {
    let mut rows = query.fetch(connection);
    let mut messages = Vec::new();
    let mut reader = MessageReader::default();
    while let Some(row) = rows.try_next().await.map_err(error::backend)? {
        messages.push(reader.read(&row));
    }
    Ok(messages)
}

/// Where a message is, readable or not. What is nowhere comes first, so that it is told.
fn position_of(message: &Result<StoredMessage, BackendError>) -> Position {
    match message {
        Ok(message) => message.position,
        Err(BackendError::Unreadable { position, .. }) => *position,
        Err(_) => Position::START,
    }
}

async fn read_log(
    connection: &mut SqliteConnection,
    sql: &Statements,
    read: &ReadLog,
) -> Result<Page, BackendError> {
    // Differs from Postgres: there is one writer, so what is stored is decided. What comes after this look is left out,
    // so that several statements see one log.
    let stretch = read.stretch(log_end(connection, sql).await?);
    let conditions = Conditions::of(&read.selection);
    let bounds = Bounds {
        after: stretch.after.get(),
        upto: stretch.upto.get(),
        limit: read.most(),
    };
    let mut found = Vec::new();
    for stream in statements(&read.selection) {
        let query = conditions.bind(sqlx::query(sql.page(read)), bounds, stream);
        found.extend(each_message(connection, query).await?);
    }
    if let Source::Streams(_) = read.selection.source() {
        found.sort_by_key(position_of);
        found.dedup_by_key(|message| position_of(message));
        if read.direction == Direction::Backwards {
            found.reverse();
        }
        found.truncate(read.most());
    }
    read.page(stretch, found)
}

/// One statement for each stream that is named, or one in all.
fn statements(selection: &Selection) -> Vec<Option<&str>> {
    match selection.source() {
        Source::Streams(streams) => streams.iter().map(StreamId::as_str).map(Some).collect(),
        Source::Log | Source::Conversation(_) => vec![None],
    }
}

async fn summary(
    connection: &mut SqliteConnection,
    sql: &Statements,
    selection: &Selection,
) -> Result<Summary, BackendError> {
    let bounds = Bounds {
        after: selection.after.get(),
        upto: selection.upto.map_or(u64::MAX, Position::get),
        limit: 0,
    };
    let streams = selection.streams.as_deref().map(list);
    let conditions = Conditions::of(selection);
    let query = sqlx::query(sql.summary(selection));
    let row = conditions
        .bind(query, bounds, streams.as_deref())
        .fetch_one(connection)
        .await
        .map_err(error::backend)?;
    let count = row::unsigned(&row, 0)?;
    if count == 0 {
        return Ok(Summary::default());
    }
    let time = |column: usize| {
        let micros = row.try_get(column).map_err(error::backend);
        micros.map(Timestamp::from_micros)
    };
    let extent = Extent {
        first: Position::new(row::unsigned(&row, 1)?),
        last: Position::new(row::unsigned(&row, 2)?),
        earliest: time(3)?,
        latest: time(4)?,
    };
    Ok(Summary {
        count,
        extent: Some(extent),
    })
}

async fn log_end(
    connection: &mut SqliteConnection,
    sql: &Statements,
) -> Result<Position, BackendError> {
    let row = sqlx::query(sql.log_end.clone())
        .fetch_one(connection)
        .await
        .map_err(error::backend)?;
    Ok(Position::new(row::unsigned(&row, 0)?))
}
