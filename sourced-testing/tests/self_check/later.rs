//! What a broken backend keeps for later.

use sourced::backend::{
    Advance, AppendError, Appended, BackendError, Change, Progress, Promotion, Recurrences,
    Scheduled, Schedules, Scheduling, Seen, SetAside, Store as _, StreamAppend, Waiting,
};
use sourced::env::Env;
use sourced::{MessageId, RecurrenceId, Timestamp};

use crate::broken::{Broken, Fault, backend};

backend! {
    Schedules for Broken {
        async fn schedule(
            &self,
            appends: Vec<StreamAppend>,
            mut later: Vec<Scheduled>,
        ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
            if self.has(Fault::PromotesAtOnce) {
                for scheduled in &mut later {
                    scheduled.at = Timestamp::from_micros(0);
                }
            }
            if self.has(Fault::DropsSchedules) {
                let (appended, _) = self.memory.schedule(appends, Vec::new()).await?;
                return Ok((appended, vec![Scheduling::Done; later.len()]));
            }
            self.memory.schedule(appends, later).await
        }

        async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
            if self.has(Fault::KeepsWhatItPromoted) {
                let again = self.memory.scheduled(None, limit).await?;
                let promotion = self.memory.promote(limit).await?;
                for mut scheduled in again.into_iter().take(promotion.promoted) {
                    scheduled.message.id = MessageId::from_uuid(Env::system().ids.next_id());
                    _ = self.memory.schedule(Vec::new(), vec![scheduled]).await;
                }
                return Ok(promotion);
            }
            if self.has(Fault::StopsAtABadOne) && !self.memory.set_aside(1).await?.is_empty() {
                return Err(BackendError::Corrupt("a bad one".to_owned()));
            }
            let limit = if self.has(Fault::StopsAtABadOne) {
                1
            } else {
                limit
            };
            let limit = if self.has(Fault::PromotesMoreThanAsked) { usize::MAX } else { limit };
            self.memory.promote(limit).await
        }
    } else {
        scheduled(after: Option<(Timestamp, MessageId)>, limit: usize) -> Result<Vec<Scheduled>, BackendError>;
        waiting(id: MessageId) -> Result<Option<Waiting>, BackendError>;
        set_aside(limit: usize) -> Result<Vec<SetAside>, BackendError>;
        cancel(id: MessageId) -> Result<Change, BackendError>;
        reschedule(id: MessageId, at: Timestamp) -> Result<Change, BackendError>;
    }
}

backend! {
    Recurrences for Broken {
        async fn advance(
            &self,
            id: &RecurrenceId,
            from: Option<&Progress>,
            to: &Progress,
            mut appends: Vec<StreamAppend>,
        ) -> Result<Advance, AppendError> {
            if self.has(Fault::MovesWhoeverIsBehind) {
                let from = self.memory.progress(id).await?.progress;
                return self.memory.advance(id, from.as_ref(), to, appends).await;
            }
            if self.has(Fault::MovesBeforeItAppends) {
                let later = std::mem::take(&mut appends);
                self.memory.advance(id, from, to, appends).await?;
                return Ok(Advance::Done(self.memory.append(later).await?));
            }
            self.memory.advance(id, from, to, appends).await
        }
    } else {
        progress(id: &RecurrenceId) -> Result<Seen, BackendError>;
    }
}
