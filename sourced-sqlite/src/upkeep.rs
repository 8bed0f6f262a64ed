//! Upkeep: removing messages and putting them back.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sourced::backend::{
    BackendError, Left, Log as _, ReadStream, RecentStream, RecentStreams, Statistics,
    TruncateError, Truncation, Upkeep, never_there,
};
use sourced::{GroupId, Position, Seq, StoredMessage, StreamId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::append::json;
use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::error;
use crate::log;
use crate::row::{self, metadata_text, signed, unsigned};
use crate::sql::Statements;

#[async_trait]
impl Upkeep for Sqlite {
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError> {
        let sql = Arc::clone(&self.inner.sql);
        let truncation = truncation.clone();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { truncate(connection, &sql, truncation).await })
            })
            .await
    }

    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError> {
        let mut reader = self.reader().await?;
        let mut rows = log::reading(&self.inner.sql, read).fetch(&mut *reader);
        let mut left = Left::default();
        while let Some(row) = rows.try_next().await.map_err(error::backend)? {
            left.add(row::message(&row))?;
        }
        Ok(left)
    }

    async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError> {
        let before = match before {
            Some(before) => before,
            // What is appended meanwhile belongs to no page.
            None => self.log_end().await?.next(),
        };
        let sql = &self.inner.sql;
        let mut reader = self.reader().await?;
        let rows = sqlx::query(sql.recent_streams.clone())
            .bind(signed(before.get()))
            .bind(row::limit(limit))
            .fetch_all(&mut *reader)
            .await
            .map_err(error::backend)?;
        let lowest: Option<i64> = sqlx::query(sql.looked_down_to.clone())
            .bind(signed(before.get()))
            .fetch_one(&mut *reader)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(error::backend)?;
        let lowest = lowest.and_then(|lowest| u64::try_from(lowest).ok());
        let streams: Result<Vec<_>, _> = rows.iter().map(recent_stream).collect();
        Ok(RecentStreams::page(
            streams?,
            limit,
            lowest.map(Position::new),
        ))
    }

    async fn statistics(&self) -> Result<Statistics, BackendError> {
        let row = sqlx::query(self.inner.sql.statistics.clone())
            .fetch_one(&mut *self.reader().await?)
            .await
            .map_err(error::backend)?;
        let bytes = Some(unsigned(&row, 2)?);
        Ok(Statistics::new(
            unsigned(&row, 0)?,
            unsigned(&row, 1)?,
            bytes,
        ))
    }

    async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
        let sql = Arc::clone(&self.inner.sql);
        let messages = messages.to_vec();
        self.inner
            .writer
            .run(Effect::Lasting, move |connection| {
                Box::pin(async move { restore(connection, &sql, &messages).await })
            })
            .await
    }
}

fn recent_stream(row: &SqliteRow) -> Result<RecentStream, BackendError> {
    let corrupt = |what: &str| BackendError::Corrupt(what.to_owned());
    let name: &str = row.try_get(0).map_err(error::backend)?;
    Ok(RecentStream {
        id: StreamId::new(name).map_err(|_| corrupt("a stream's name"))?,
        last: Seq::new(unsigned(row, 1)?).ok_or_else(|| corrupt("a seq"))?,
        position: Position::new(unsigned(row, 2)?),
        at: Timestamp::from_micros(row.try_get(3).map_err(error::backend)?),
    })
}

/// Nobody else writes meanwhile, so what is found stays so.
async fn truncate(
    connection: &mut SqliteConnection,
    sql: &Statements,
    truncation: Truncation,
) -> Result<u64, TruncateError> {
    let (stream, upto) = (truncation.stream, truncation.upto);
    let found = sqlx::query(sql.find_stream.clone())
        .bind(stream.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(error::backend)?;
    let (id, last) = match &found {
        Some(row) => (
            row.try_get(0).map_err(error::backend)?,
            Seq::new(unsigned(row, 1)?),
        ),
        None => (0_i64, None),
    };
    if last < Some(upto) {
        return Err(TruncateError::BeyondEnd { stream, last });
    }
    let handled: Vec<_> = truncation
        .bases
        .iter()
        .map(|(name, base)| (name.as_str(), base.seq.get()))
        .collect();
    let waiting = sqlx::query(sql.waiting_groups.clone())
        .bind(id)
        .bind(signed(upto.get()))
        .bind(json(&handled))
        .fetch_optional(&mut *connection)
        .await
        .map_err(error::backend)?;
    if let Some(row) = waiting {
        let name: &str = row.try_get(0).map_err(error::backend)?;
        let corrupt = |what: &str| BackendError::Corrupt(what.to_owned());
        return Err(TruncateError::Waiting {
            group: GroupId::new(name).map_err(|_| corrupt("a group's name"))?,
            seq: Seq::new(unsigned(&row, 1)?).ok_or_else(|| corrupt("a seq"))?,
            stream,
        });
    }
    for (actor, base) in &truncation.bases {
        sqlx::query(sql.save_base.clone())
            .bind(actor.as_str())
            .bind(stream.as_str())
            .bind(signed(base.seq.get()))
            .bind(&base.event.as_uuid().as_bytes()[..])
            .bind(base.fingerprint.cast_signed())
            .bind(base.state.as_str())
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
    }
    // What a group had not handled when it gave up its type.
    sqlx::query(sql.forget_owed.clone())
        .bind(id)
        .bind(signed(upto.get()))
        .execute(&mut *connection)
        .await
        .map_err(error::backend)?;
    let removed = sqlx::query(sql.remove_messages.clone())
        .bind(id)
        .bind(signed(upto.get()))
        .execute(&mut *connection)
        .await
        .map_err(error::backend)?;
    Ok(removed.rows_affected())
}

async fn restore(
    connection: &mut SqliteConnection,
    sql: &Statements,
    messages: &[StoredMessage],
) -> Result<u64, BackendError> {
    let mut restored = 0;
    for message in messages {
        let there = sqlx::query(sql.removed_or_there.clone())
            .bind(signed(message.position.get()))
            .bind(message.id.as_uuid().as_bytes().to_vec())
            .bind(signed(message.seq.get()))
            .bind(message.type_name.as_str())
            .bind(message.stream_id.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(error::backend)?
            .ok_or_else(|| never_there(&message.stream_id, message.seq))?;
        if !there.try_get::<bool, _>(0).map_err(error::backend)? {
            continue;
        }
        sqlx::query(sql.put_back.clone())
            .bind(signed(message.position.get()))
            .bind(message.type_name.as_str())
            .bind(metadata_text(&message.metadata)?)
            .bind(message.payload.as_str())
            .execute(&mut *connection)
            .await
            .map_err(error::backend)?;
        restored += 1;
    }
    Ok(restored)
}
