//! Which versions of tables are live, in memory.

use std::time::Duration;

use async_trait::async_trait;

use super::{Memory, State};
use crate::backend::{BackendError, GroupState, Live, Swap, Swapped, Table, Versions};
use crate::stream::GroupId;
use crate::time::Timestamp;

#[async_trait]
impl Versions for Memory {
    async fn live(&self, table: &str) -> Result<Option<Live>, BackendError> {
        Ok(self.state().live.get(table).copied())
    }

    async fn enter(&self, table: &Table, first: &GroupId) -> Result<Live, BackendError> {
        let mut state = self.state();
        let version = if state.groups.contains_key(first) {
            1
        } else {
            table.version
        };
        let live = state.live.entry(table.name);
        Ok(*live.or_insert(Live::first(version)))
    }

    async fn swap(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        let _turn = self.shared.transaction.lock().await;
        let at = self.shared.clock.now();
        let mut state = self.state();
        state.known(&swap.to)?;
        if state.live.get(swap.table) != Some(&swap.seen) {
            return Ok(Swapped::Moved);
        }
        let State {
            log, groups, live, ..
        } = &mut *state;
        for lanes in groups.values_mut() {
            lanes.pump(log);
        }
        let [to, from] = [&swap.to, &swap.from].map(|group| groups.get(group));
        let is_behind = to
            .is_some_and(|to| !to.state.is_active() || from.is_some_and(|from| to.is_behind(from)));
        if is_behind {
            return Ok(Swapped::Behind);
        }
        if let Some(from) = groups.get_mut(&swap.from) {
            let reason = swap.reason();
            from.state = GroupState::Stopped { reason, at };
            // So that no unit of a program with the old version goes on with it.
            from.held_until = Some(Timestamp::from_micros(i64::MAX));
            from.fence();
        }
        live.insert(swap.table, swap.done());
        Ok(Swapped::Done)
    }

    async fn roll_back(&self, swap: &Swap) -> Result<Swapped, BackendError> {
        {
            let mut state = self.state();
            state.known(&swap.to)?;
            if state.live.get(swap.table) != Some(&swap.seen) {
                return Ok(Swapped::Moved);
            }
            let to = state.known(&swap.to)?;
            to.state = GroupState::Active;
            to.held_until = None;
            state.live.insert(swap.table, swap.rolled_back());
        }
        self.raise();
        Ok(Swapped::Done)
    }

    async fn hold(
        &self,
        group: &GroupId,
        length: Duration,
        rest: Duration,
    ) -> Result<bool, BackendError> {
        let now = self.shared.clock.now();
        let mut state = self.state();
        let Some(lanes) = state.groups.get_mut(group) else {
            return Ok(false);
        };
        let is_rested = lanes
            .held_until
            .is_none_or(|until| until.saturating_add(rest) <= now);
        if is_rested {
            lanes.held_until = Some(now.saturating_add(length));
        }
        Ok(is_rested)
    }

    async fn forget(&self, table: &Table, group: &GroupId) -> Result<bool, BackendError> {
        let _turn = self.shared.transaction.lock().await;
        let mut state = self.state();
        let State {
            groups,
            tables,
            live,
            ..
        } = &mut *state;
        if let Some(live) = live.get_mut(table.name) {
            if live.version == table.version {
                return Ok(false);
            }
            live.previous = live.previous.filter(|version| *version != table.version);
        }
        groups.remove(group);
        tables.remove(&table.physical_name());
        Ok(true)
    }
}
