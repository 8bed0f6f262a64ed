//! Recurrences in memory.

use async_trait::async_trait;

use super::Memory;
use crate::backend::{
    Advance, AppendError, BackendError, Limits, Progress, Recurrences, Seen, StreamAppend,
};
use crate::stream::RecurrenceId;

#[async_trait]
impl Recurrences for Memory {
    async fn progress(&self, id: &RecurrenceId) -> Result<Seen, BackendError> {
        let progress = self.state().recurrences.get(id).cloned();
        let now = self.shared.clock.now();
        Ok(Seen { now, progress })
    }

    async fn advance(
        &self,
        id: &RecurrenceId,
        from: Option<&Progress>,
        to: &Progress,
        appends: Vec<StreamAppend>,
    ) -> Result<Advance, AppendError> {
        Limits::default().check_all(&appends, &[])?;
        let placed = {
            let mut state = self.state();
            if state.recurrences.get(id) != from {
                return Ok(Advance::Behind);
            }
            let (plan, _) = state.plan(&appends, &[])?;
            state.log.apply(appends, &plan);
            state.recurrences.insert(id.clone(), to.clone());
            plan
        };
        if placed.iter().any(|message| !message.already_stored) {
            self.raise();
        }
        Ok(Advance::Done(placed))
    }
}
