//! Parked lanes in memory.

use async_trait::async_trait;

use super::lanes::Lanes;
use super::store::Log;
use super::{Memory, State};
use crate::backend::{
    BackendError, Intervention, Parked, Quarantine, QuarantineError, Remedy, bounded,
};
use crate::stream::{GroupId, Position, StreamId};

#[async_trait]
impl Quarantine for Memory {
    async fn parked(
        &self,
        group: &GroupId,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<Parked>, BackendError> {
        let mut state = self.state();
        Ok(state.pumped(group)?.parked(after, limit))
    }

    async fn retry_parked(
        &self,
        group: &GroupId,
        stream: &StreamId,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let now = self.shared.clock.now();
        {
            let mut state = self.state();
            let (lanes, log) = state.lanes_and_log(group)?;
            if !lanes.retry_parked(stream, bounded(reason), log, now) {
                return Err(QuarantineError::NotParked {
                    group: group.clone(),
                    stream: stream.clone(),
                });
            }
        }
        self.raise();
        Ok(())
    }

    async fn skip(
        &self,
        group: &GroupId,
        stream: &StreamId,
        position: Position,
        reason: &str,
    ) -> Result<(), QuarantineError> {
        let now = self.shared.clock.now();
        {
            let mut state = self.state();
            let (lanes, log) = state.lanes_and_log(group)?;
            let first = lanes.first_pending(stream);
            if first != Some(position) {
                return Err(QuarantineError::NotFirst {
                    group: group.clone(),
                    stream: stream.clone(),
                    asked: position,
                    first,
                });
            }
            lanes.skip(stream, bounded(reason), log, now);
        }
        self.raise();
        Ok(())
    }

    async fn interventions(
        &self,
        group: &GroupId,
        remedy: Remedy,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Intervention>, BackendError> {
        let mut state = self.state();
        let done = state.known(group)?.interventions.iter();
        Ok(done
            .filter(|done| done.remedy == remedy && Some(done.number) > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn skip_of(
        &self,
        group: &GroupId,
        position: Position,
    ) -> Result<Option<Intervention>, BackendError> {
        let mut state = self.state();
        let mut done = state.known(group)?.interventions.iter().rev();
        let is_skip =
            |done: &&Intervention| done.position == position && done.remedy == Remedy::Skipped;
        Ok(done.find(is_skip).cloned())
    }
}

impl State {
    fn lanes_and_log(&mut self, group: &GroupId) -> Result<(&mut Lanes, &Log), BackendError> {
        let Some(lanes) = self.groups.get_mut(group) else {
            return Err(BackendError::UnknownGroup(group.clone()));
        };
        lanes.pump(&self.log);
        Ok((lanes, &self.log))
    }
}
