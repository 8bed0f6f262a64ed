//! Snapshots in memory.

use async_trait::async_trait;

use super::Memory;
use super::store::Log;
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
        let state = self.state();
        let found = state.snapshots.get(&key);
        Ok(found
            .filter(|found| fits(&state.log, stream, found))
            .cloned())
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
        let known = known.filter(|known| fits(&state.log, stream, known));
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
        let state = self.state();
        let found = state.bases.get(&key);
        Ok(found
            .filter(|found| fits(&state.log, stream, found))
            .cloned())
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

/// Whether the stream has the event that the snapshot was taken at.
fn fits(log: &Log, stream: &StreamId, snapshot: &Snapshot) -> bool {
    let nth = usize::try_from(snapshot.seq.get() - 1).ok();
    let position = nth.and_then(|nth| log.positions(stream).get(nth));
    position.is_some_and(|position| log.at(*position).id == snapshot.event)
}
