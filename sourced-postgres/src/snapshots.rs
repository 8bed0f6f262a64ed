//! Snapshots: one row per actor and stream, outside of every transaction.

use async_trait::async_trait;
use sourced::backend::{BackendError, Snapshot, Snapshots};
use sourced::{GroupId, Payload, StreamId};
use sqlx::PgConnection;
use sqlx::types::Uuid;

use crate::backend::{Attempt, Postgres, retrying};
use crate::row::{clamped, seq};
use crate::sql::Text;

#[async_trait]
impl Snapshots for Postgres {
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.read_snapshot(&self.inner.sql.snapshot, actor, stream)
            .await
    }

    async fn save_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
        snapshot: &Snapshot,
    ) -> Result<(), BackendError> {
        self.inner.limits.check_snapshot(snapshot)?;
        // Doing it twice changes nothing the second time.
        retrying!(self, connection => self.inner.sql.save_snapshot.query()
            .bind(actor.as_str())
            .bind(stream.as_str())
            .bind(clamped(snapshot.seq.get()))
            .bind(snapshot.event.as_uuid())
            .bind(snapshot.fingerprint.cast_signed())
            .bind(snapshot.state.as_str())
            .execute(&mut *connection)
            .await)?;
        Ok(())
    }

    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.read_snapshot(&self.inner.sql.base, actor, stream)
            .await
    }

    async fn delete_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<(), BackendError> {
        retrying!(self, connection => self.inner.sql.delete_snapshot.query()
            .bind(actor.as_str())
            .bind(stream.as_str())
            .execute(&mut *connection)
            .await)?;
        Ok(())
    }
}

impl Postgres {
    async fn read_snapshot(
        &self,
        sql: &Text,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let found = retrying!(self, connection => find(sql, &mut connection, actor, stream).await)?;
        found.map(read).transpose()
    }
}

/// A row of a snapshot.
pub(crate) type Found = (i64, Uuid, i64, String);

/// Looks for one as this connection sees it.
pub(crate) async fn find(
    sql: &Text,
    connection: &mut PgConnection,
    actor: &GroupId,
    stream: &StreamId,
) -> Attempt<Option<Found>> {
    let query = sql.query_as().bind(actor.as_str()).bind(stream.as_str());
    Ok(query.fetch_optional(connection).await?)
}

pub(crate) fn read((last, event, fingerprint, state): Found) -> Result<Snapshot, BackendError> {
    Ok(Snapshot {
        seq: seq(last)?,
        event: event.into(),
        fingerprint: fingerprint.cast_unsigned(),
        state: Payload::from_storage(state),
    })
}
