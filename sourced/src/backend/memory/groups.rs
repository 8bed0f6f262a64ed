//! The consumer groups in memory.

use std::collections::hash_map::Entry;

use async_trait::async_trait;

use super::lanes::Lanes;
use super::store::Log;
use super::{Memory, State};
use crate::backend::{
    BackendError, Group, GroupOrder, GroupState, GroupStatus, Groups, KnownTypes, OrderError,
    ResetFrom, ResetScope, StartFrom,
};
use crate::message::TypeName;
use crate::stream::{GroupId, Position};
use crate::time::Timestamp;

#[async_trait]
impl Groups for Memory {
    async fn register_group(&self, group: &Group) -> Result<(), BackendError> {
        {
            let mut state = self.state();
            let State {
                log,
                groups,
                n_registered,
                ..
            } = &mut *state;
            let types = group.types.iter().cloned().collect();
            match groups.entry(group.id.clone()) {
                Entry::Vacant(new) => {
                    let start = match group.start_from {
                        StartFrom::Beginning => Position::START,
                        StartFrom::Now => log.end(),
                        StartFrom::After(position) => position,
                        StartFrom::Since(time) => before(log, time),
                    };
                    let (id, order) = (group.id.clone(), group.order);
                    new.insert(Lanes::new(id, types, order, start, *n_registered));
                    *n_registered += 1;
                }
                Entry::Occupied(known) => {
                    let known = known.into_mut();
                    if known.order != group.order {
                        return Err(BackendError::from(OrderError::Other {
                            group: group.id.clone(),
                            known: known.order,
                            asked: group.order,
                        }));
                    }
                    known.set_types(types, log)?;
                }
            }
        }
        self.raise();
        Ok(())
    }

    async fn know_types(
        &self,
        group: &GroupId,
        types: &[TypeName],
    ) -> Result<KnownTypes, BackendError> {
        let mut state = self.state();
        let noted = state.known_types.entry(group.clone()).or_default();
        let before = noted.iter().cloned().collect();
        noted.extend(types.iter().cloned());
        Ok(KnownTypes::of(before, types))
    }

    async fn reset_group(
        &self,
        group: &GroupId,
        scope: &ResetScope,
        from: ResetFrom,
    ) -> Result<(), BackendError> {
        {
            let mut state = self.state();
            let order = state.known(group)?.order;
            let State { log, groups, .. } = &mut *state;
            let after = match from {
                ResetFrom::Beginning => Position::START,
                ResetFrom::After(position) => position,
                ResetFrom::Since(time) => before(log, time),
            };
            let only = match scope {
                ResetScope::All => None,
                ResetScope::Stream(stream) => Some(stream),
            };
            if let Some(stream) = only.filter(|stream| !stream.is_log())
                && order == GroupOrder::Global
            {
                let (group, stream) = (group.clone(), stream.clone());
                return Err(BackendError::from(OrderError::NoSuchLane { group, stream }));
            }
            if let Some(lanes) = groups.get_mut(group) {
                lanes.reset(only, after, log);
            }
        }
        self.raise();
        Ok(())
    }

    async fn stop_group(&self, group: &GroupId, reason: &str) -> Result<(), BackendError> {
        let at = self.shared.clock.now();
        let reason = reason.to_owned();
        self.state().known(group)?.state = GroupState::Stopped { reason, at };
        Ok(())
    }

    async fn start_group(&self, group: &GroupId) -> Result<(), BackendError> {
        {
            let mut state = self.state();
            let lanes = state.known(group)?;
            lanes.state = GroupState::Active;
            lanes.held_until = None;
        }
        self.raise();
        Ok(())
    }

    async fn remove_group(&self, group: &GroupId) -> Result<(), BackendError> {
        let mut state = self.state();
        state.known_types.remove(group);
        let removed = state.groups.remove(group);
        let known = removed.map(drop);
        known.ok_or_else(|| BackendError::UnknownGroup(group.clone()))
    }

    async fn group_state(&self, group: &GroupId) -> Result<GroupState, BackendError> {
        Ok(self.state().known(group)?.state.clone())
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, BackendError> {
        let mut state = self.state();
        let State { log, groups, .. } = &mut *state;
        let mut found: Vec<GroupStatus> = groups
            .values_mut()
            .map(|lanes| {
                lanes.pump(log);
                lanes.status(log.end())
            })
            .collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }
}

impl State {
    pub(super) fn known(&mut self, group: &GroupId) -> Result<&mut Lanes, BackendError> {
        let lanes = self.groups.get_mut(group);
        lanes.ok_or_else(|| BackendError::UnknownGroup(group.clone()))
    }
}

/// The position before the first message made at this time or later.
fn before(log: &Log, time: Timestamp) -> Position {
    let first = log
        .messages
        .iter()
        .find(|message| message.created_at >= time);
    first.map_or(log.end(), |message| message.position.previous())
}
