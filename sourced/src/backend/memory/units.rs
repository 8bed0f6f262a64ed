//! Units in memory.

use async_trait::async_trait;

use super::documents::Overlay;
use super::{Memory, State};
use crate::backend::{
    AppendError, Appended, BackendError, Limits, StreamAppend, Tx, UnitCommit, UnitError, Units,
};
use crate::message::TypeName;
use crate::stream::GroupId;
use crate::time::Timestamp;

#[async_trait]
impl Units for Memory {
    async fn commit_unit(&self, unit: UnitCommit) -> Result<Vec<Appended>, UnitError> {
        Limits::default()
            .check_all(&unit.appends, &unit.schedules)
            .map_err(AppendError::from)?;
        let _turn = self.shared.transaction.lock().await;
        let now = self.shared.clock.now();
        self.state().check_unit(&unit, now)?;
        let mut overlay = Overlay::new(self);
        for sync in &unit.syncs {
            let ran = sync.run(&mut Tx::new(&mut overlay)).await;
            ran.map_err(UnitError::Sync)?;
        }
        let appended = {
            let mut state = self.state();
            state.check_unit(&unit, now)?;
            state.store_unit(unit, overlay)?
        };
        self.raise();
        Ok(appended)
    }
}

impl State {
    fn check_unit(&mut self, unit: &UnitCommit, now: Timestamp) -> Result<(), UnitError> {
        self.plan(&unit.appends, &unit.schedules)?;
        for lane in &unit.settled {
            let is_named =
                |append: &StreamAppend| append.stream == lane.stream && !append.messages.is_empty();
            if !unit.appends.iter().any(is_named) {
                let text = format!(
                    "nothing is appended to the settled stream `{}`",
                    lane.stream
                );
                return Err(BackendError::Refused(text.into()).into());
            }
            let lanes = self.pumped(&lane.group)?;
            let is_ours = |(group, _): &&(GroupId, TypeName)| *group == lane.group;
            let mut handled = unit.handled.iter().filter(is_ours);
            let is_surprised = handled.any(|(_, of)| !lanes.handles(of));
            if is_surprised || lanes.is_held_back(now) || !lanes.is_quiet(&lane.stream) {
                return Err(UnitError::Busy {
                    group: lane.group.clone(),
                    stream: lane.stream.clone(),
                });
            }
        }
        Ok(())
    }

    /// Stores a unit that was just checked.
    fn store_unit(
        &mut self,
        unit: UnitCommit,
        overlay: Overlay,
    ) -> Result<Vec<Appended>, UnitError> {
        let (plan, scheduling) = self.plan(&unit.appends, &unit.schedules)?;
        self.log.apply(unit.appends, &plan);
        self.agenda.apply(unit.schedules, &scheduling);
        for refusal in unit.refusals {
            self.refusals.entry(refusal.command).or_insert(refusal);
        }
        overlay.apply(self);
        let end = self.log.end();
        for lane in &unit.settled {
            // Nobody appended since, so the end of the log is that of the unit.
            self.pumped(&lane.group)?.ack(&lane.stream, end);
        }
        Ok(plan)
    }
}
