//! Upkeep: removing messages and putting them back.

use async_trait::async_trait;
use sourced::backend::{
    BackendError, Left, ReadStream, RecentStream, RecentStreams, Statistics, TruncateError,
    Truncation, Upkeep, never_there,
};
use sourced::{Position, Seq, StoredMessage};
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};

use crate::backend::{Attempt, Postgres, retrying};
use crate::connecting::LONG;
use crate::row::{MessageReader, clamped, get, group, number, position, seq, stream};

/// What one try came to.
enum Truncated {
    Removed(u64),
    BeyondEnd(i64),
    Waiting { group: String, seq: i64 },
}

#[async_trait]
impl Upkeep for Postgres {
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError> {
        // Doing it twice removes nothing the second time.
        let truncated = retrying!(self, LONG; connection => self.truncate_once(&mut connection, truncation).await);
        let stream = truncation.stream.clone();
        match truncated.map_err(BackendError::from)? {
            Truncated::Removed(removed) => Ok(removed),
            Truncated::BeyondEnd(last) => Err(TruncateError::BeyondEnd {
                stream,
                last: Seq::new(number(last)?),
            }),
            Truncated::Waiting {
                group: name,
                seq: first,
            } => Err(TruncateError::Waiting {
                group: group(&name)?,
                stream,
                seq: seq(first)?,
            }),
        }
    }

    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError> {
        let rows = retrying!(self, connection => self.read_once(&mut connection, read).await)?;
        let mut left = Left::default();
        let Some(first) = rows.first() else {
            return Ok(left);
        };
        let mut reader = MessageReader::one(first, read.stream.clone())?;
        rows.iter().try_for_each(|row| left.add(reader.read(row)))?;
        Ok(left)
    }

    async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError> {
        let rows = retrying!(self, connection => self.inner.sql.recent_streams.query()
            .bind(before.map_or(i64::MAX, |before| clamped(before.get())))
            .bind(clamped(limit))
            .fetch_all(&mut *connection)
            .await)?;
        let mut lowest = None;
        let mut streams = Vec::with_capacity(rows.len());
        for row in &rows {
            lowest = get::<Option<i64>>(row, "lowest")?
                .map(position)
                .transpose()?;
            let Some(name) = get::<Option<&str>>(row, "name")? else {
                continue;
            };
            streams.push(RecentStream {
                id: stream(name)?,
                last: seq(get(row, "seq")?)?,
                position: position(get(row, "position")?)?,
                at: get::<DateTime<Utc>>(row, "created_at")?.into(),
            });
        }
        Ok(RecentStreams::page(streams, limit, lowest))
    }

    async fn statistics(&self) -> Result<Statistics, BackendError> {
        let (messages, streams, bytes): (i64, i64, i64) = retrying!(self, connection =>
            self.inner.sql.statistics.query_as()
                .fetch_one(&mut *connection)
                .await)?;
        let bytes = Some(number(bytes)?);
        Ok(Statistics::new(number(messages)?, number(streams)?, bytes))
    }

    async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
        let column = messages.iter();
        let positions: Vec<_> = column.clone().map(|m| clamped(m.position.get())).collect();
        let ids: Vec<_> = column.clone().map(|m| m.id.as_uuid()).collect();
        let seqs: Vec<_> = column.clone().map(|m| clamped(m.seq.get())).collect();
        let streams: Vec<_> = column.clone().map(|m| m.stream_id.as_str()).collect();
        let types: Vec<_> = column.clone().map(|m| m.type_name.as_str()).collect();
        let payloads: Vec<_> = column.clone().map(|m| m.payload.as_str()).collect();
        // Text can always be told in JSON; none at all is the common case and takes no room.
        let metadata = column.map(|m| {
            let metadata = (!m.metadata.is_empty()).then_some(&m.metadata)?;
            serde_json::to_string(metadata).ok()
        });
        let metadata: Vec<_> = metadata.collect();
        let (unknown, restored): (Option<i64>, i64) = retrying!(self, LONG; connection =>
            self.inner.sql.restore.query_as()
                .bind(&positions)
                .bind(&ids)
                .bind(&seqs)
                .bind(&streams)
                .bind(&types)
                .bind(&metadata)
                .bind(&payloads)
                .fetch_one(&mut *connection)
                .await)?;
        match unknown {
            None => number(restored),
            Some(nth) => {
                let message = &messages[number::<usize>(nth - 1)?];
                Err(never_there(&message.stream_id, message.seq))
            }
        }
    }
}

impl Postgres {
    async fn truncate_once(
        &self,
        connection: &mut PgConnection,
        truncation: &Truncation,
    ) -> Attempt<Truncated> {
        let sql = &self.inner.sql;
        let upto = clamped(truncation.upto.get());
        let mut transaction = connection.begin().await?;
        let stream: Option<(i64, i64)> = sql
            .lock_stream
            .query_as()
            .bind(truncation.stream.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        let (stream, last) = stream.unwrap_or_default();
        if last < upto {
            return Ok(Truncated::BeyondEnd(last));
        }
        // Until the commit nobody changes types or resets. The next statement sees what was so before.
        sql.lock_groups.query().execute(&mut *transaction).await?;
        let bases = truncation.bases.iter();
        let (groups, seqs): (Vec<_>, Vec<_>) = bases
            .map(|(actor, base)| (actor.as_str(), clamped(base.seq.get())))
            .unzip();
        let waiting: Option<(String, i64)> = sql
            .waiting_groups
            .query_as()
            .bind(stream)
            .bind(upto)
            .bind(groups)
            .bind(seqs)
            .fetch_optional(&mut *transaction)
            .await?;
        if let Some((group, seq)) = waiting {
            return Ok(Truncated::Waiting { group, seq });
        }
        for (actor, base) in &truncation.bases {
            sql.save_base
                .query()
                .bind(actor.as_str())
                .bind(truncation.stream.as_str())
                .bind(clamped(base.seq.get()))
                .bind(base.event.as_uuid())
                .bind(base.fingerprint.cast_signed())
                .bind(base.state.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        // What a group had not handled when it gave up its type.
        sql.forget_owed
            .query()
            .bind(stream)
            .bind(upto)
            .execute(&mut *transaction)
            .await?;
        let removed = sql
            .remove_messages
            .query()
            .bind(stream)
            .bind(upto)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Truncated::Removed(removed.rows_affected()))
    }
}
