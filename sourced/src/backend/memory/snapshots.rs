//! Snapshots in memory.

use async_trait::async_trait;

use super::Memory;
use crate::backend::{BackendError, Limits, Snapshot, Snapshots};
use crate::stream::{GroupId, StreamId};

#[async_trait]
impl Snapshots for Memory {
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let key = (actor.clone(), stream.clone());
        Ok(self.state().snapshots.get(&key).cloned())
    }

    async fn save_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
        snapshot: &Snapshot,
    ) -> Result<(), BackendError> {
        Limits::default().check_snapshot(snapshot)?;
        let key = (actor.clone(), stream.clone());
        let mut state = self.state();
        let known = state.snapshots.get(&key);
        if known.is_none_or(|known| snapshot.replaces(known)) {
            state.snapshots.insert(key, snapshot.clone());
        }
        Ok(())
    }

    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let key = (actor.clone(), stream.clone());
        Ok(self.state().bases.get(&key).cloned())
    }

    async fn delete_snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<(), BackendError> {
        let key = (actor.clone(), stream.clone());
        let mut state = self.state();
        state.snapshots.remove(&key);
        state.bases.remove(&key);
        Ok(())
    }
}
