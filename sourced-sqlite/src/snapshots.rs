//! Snapshots: read by a reader, written like everything else by the writing task.

use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{BackendError, Limits, Snapshot, Snapshots};
use sourced::message::{MessageId, Payload};
use sourced::{GroupId, Seq, StreamId};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, SqlStr, SqliteConnection};

use crate::backend::Sqlite;
use crate::batch::Effect;
use crate::error;
use crate::row::{signed, unsigned, uuid};

#[async_trait]
impl Snapshots for Sqlite {
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let mut reader = self.reader().await?;
        read(&mut reader, &self.inner.sql.snapshot, actor, stream).await
    }

    async fn save_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
        snapshot: &Snapshot,
    ) -> Result<(), BackendError> {
        Limits::default().check_snapshot(snapshot)?;
        let query = sqlx::query(self.inner.sql.save_snapshot.clone())
            .bind(actor.as_str().to_owned())
            .bind(stream.as_str().to_owned())
            .bind(signed(snapshot.seq.get()))
            .bind(snapshot.event.as_uuid().as_bytes().to_vec())
            .bind(snapshot.fingerprint.cast_signed())
            .bind(Arc::<str>::from(snapshot.state.as_str()));
        self.write([query]).await
    }

    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let mut reader = self.reader().await?;
        read(&mut reader, &self.inner.sql.base, actor, stream).await
    }

    async fn delete_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<(), BackendError> {
        let sql = &self.inner.sql;
        let both = [&sql.delete_snapshot, &sql.delete_base].map(|delete| {
            sqlx::query(delete.clone())
                .bind(actor.as_str().to_owned())
                .bind(stream.as_str().to_owned())
        });
        self.write(both).await
    }
}

/// Reads one as this connection sees it.
pub(crate) async fn read(
    connection: &mut SqliteConnection,
    sql: &SqlStr,
    actor: &GroupId,
    stream: &StreamId,
) -> Result<Option<Snapshot>, BackendError> {
    let row = sqlx::query(sql.clone())
        .bind(actor.as_str())
        .bind(stream.as_str())
        .fetch_optional(connection)
        .await
        .map_err(error::backend)?;
    let Some(row) = row else {
        return Ok(None);
    };
    let no_seq = || BackendError::Corrupt("the seq of a snapshot".to_owned());
    let fingerprint: i64 = row.try_get(2).map_err(error::backend)?;
    Ok(Some(Snapshot {
        seq: Seq::new(unsigned(&row, 0)?).ok_or_else(no_seq)?,
        event: MessageId::from_uuid(uuid(&row, 1)?),
        fingerprint: fingerprint.cast_unsigned(),
        state: Payload::from_storage(row.try_get::<&str, _>(3).map_err(error::backend)?),
    }))
}

impl Sqlite {
    /// All of it or nothing. No fsync is spent on it: what a power cut takes away can be folded again.
    async fn write<const N: usize>(
        &self,
        queries: [Query<'static, sqlx::Sqlite, SqliteArguments>; N],
    ) -> Result<(), BackendError> {
        let writer = &self.inner.writer;
        let done = writer.run(Effect::Redone, move |connection| {
            Box::pin(async move {
                for query in queries {
                    let done = query.execute(&mut *connection).await;
                    done.map_err(error::backend)?;
                }
                Ok(())
            })
        });
        done.await
    }
}
