//! Snapshots: one row per actor and stream, outside of every transaction.

use async_trait::async_trait;
use sourced::backend::{BackendError, Snapshot, Snapshots};
use sourced::{GroupId, Payload, StreamId};

use crate::backend::{Postgres, retrying};
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
        let row: Option<(i64, i64, String)> = retrying!(self, connection =>
            sql.query_as()
                .bind(actor.as_str())
                .bind(stream.as_str())
                .fetch_optional(&mut *connection)
                .await)?;
        let Some((last, fingerprint, state)) = row else {
            return Ok(None);
        };
        Ok(Some(Snapshot {
            seq: seq(last)?,
            fingerprint: fingerprint.cast_unsigned(),
            state: Payload::from_storage(state),
        }))
    }
}
