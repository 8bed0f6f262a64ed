//! An operator, who lets groups begin again.

use std::sync::Arc;
use std::time::Duration;

use sourced::GroupId;
use sourced::backend::Table;
use sourced::backend::{Groups as _, ResetFrom, ResetScope, Signal, Tables as _};

use super::super::executor::Life;
use super::{Run, now};

const OPERATOR: &str = "operator";

impl Run {
    /// A process has asked for the table of a group.
    pub(in super::super) fn has_table(&self, group: &GroupId, table: &Table) {
        let tables = &mut self.lock().tables;
        tables.insert(group.clone(), table.clone());
    }

    /// Lets one of the groups handle again what it has handled.
    pub(in super::super) fn replay_later(self: &Arc<Self>, pause: Duration, lot: u64) {
        let run = Arc::clone(self);
        let later = async move {
            run.executor.sleep(pause).await;
            run.replay(lot);
        };
        self.executor.spawn(Life::OUTSIDE, Box::pin(later));
    }

    fn replay(&self, lot: u64) {
        let (group, table) = {
            let state = self.lock();
            let n_groups = state.groups.len() as u64;
            let nth = usize::try_from(lot.checked_rem(n_groups).unwrap_or_default());
            let Some(group) = state.groups.get(nth.unwrap_or_default()) else {
                return;
            };
            (group.clone(), state.tables.get(group).cloned())
        };
        if let Some(table) = table {
            self.tell(OPERATOR, || format!("REBUILDS the table of `{group}`"));
            now(self.memory.rebuild_table(&table, &group));
        } else {
            self.tell(OPERATOR, || format!("REPLAYS `{group}` from the beginning"));
            let (all, from) = (ResetScope::All, ResetFrom::Beginning);
            now(self.memory.reset_group(&group, &all, from));
        }
        self.lock().signals.values().for_each(Signal::raise);
        self.check();
    }
}
