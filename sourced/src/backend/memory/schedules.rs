//! Schedules in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;

use super::{Memory, State};
use crate::backend::{
    AppendError, Appended, BackendError, Change, ExpectedSeq, Limits, Promotion, Scheduled,
    Schedules, Scheduling, SetAside, StreamAppend, Waiting,
};
use crate::message::MessageId;
use crate::time::Timestamp;

#[async_trait]
impl Schedules for Memory {
    async fn schedule(
        &self,
        appends: Vec<StreamAppend>,
        later: Vec<Scheduled>,
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        Limits::default().check_all(&appends, &later)?;
        let planned = {
            let mut state = self.state();
            let (plan, scheduling) = state.plan(&appends, &later)?;
            state.log.apply(appends, &plan);
            state.agenda.apply(later, &scheduling);
            (plan, scheduling)
        };
        if planned.0.iter().any(|message| !message.already_stored) {
            self.raise();
        }
        Ok(planned)
    }

    async fn promote(&self, limit: usize) -> Result<Promotion, BackendError> {
        let now = self.shared.clock.now();
        let promotion = self.state().promote(limit, now);
        if promotion.promoted > 0 {
            self.raise();
        }
        Ok(promotion)
    }

    async fn scheduled(
        &self,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Scheduled>, BackendError> {
        let state = self.state();
        let mut all: Vec<_> = state.agenda.waiting.values().collect();
        all.sort_by_key(|scheduled| (scheduled.at, scheduled.message.id));
        let is_after = |scheduled: &&&Scheduled| {
            after.is_none_or(|after| (scheduled.at, scheduled.message.id) > after)
        };
        let page = all.iter().filter(is_after).take(limit);
        Ok(page.map(|scheduled| (*scheduled).clone()).collect())
    }

    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, BackendError> {
        let state = self.state();
        if let Some(aside) = state.agenda.aside.get(&id) {
            return Ok(Some(Waiting::SetAside(aside.error.clone())));
        }
        let place = state.agenda.by_id.get(&id);
        Ok(place.map(|(at, _)| Waiting::Until(*at)))
    }

    async fn set_aside(&self, limit: usize) -> Result<Vec<SetAside>, BackendError> {
        let state = self.state();
        let mut all: Vec<_> = state.agenda.aside.iter().collect();
        all.sort_by_key(|(_, aside)| aside.place);
        let page = all.into_iter().take(limit).map(|(id, aside)| SetAside {
            id: *id,
            error: aside.error.clone(),
        });
        Ok(page.collect())
    }

    async fn cancel(&self, id: MessageId) -> Result<Change, BackendError> {
        let mut state = self.state();
        match state.agenda.take(id) {
            Some(_) => Ok(Change::Done),
            None => Ok(state.why_not_scheduled(id)),
        }
    }

    async fn reschedule(&self, id: MessageId, at: Timestamp) -> Result<Change, BackendError> {
        let mut state = self.state();
        let Some((nth, mut scheduled)) = state.agenda.take(id) else {
            return Ok(state.why_not_scheduled(id));
        };
        scheduled.at = at;
        state.agenda.insert(nth, scheduled);
        Ok(Change::Done)
    }
}

/// What is scheduled.
#[derive(Default)]
pub(super) struct Agenda {
    waiting: BTreeMap<Place, Scheduled>,
    /// Where the waiting ones wait.
    by_id: HashMap<MessageId, Place>,
    aside: HashMap<MessageId, Aside>,
    n_scheduled: u64,
}

/// By time, and then in the order of scheduling.
type Place = (Timestamp, u64);

struct Aside {
    place: Place,
    scheduled: Scheduled,
    error: String,
}

impl Agenda {
    /// Stores what [`State::plan`] has just worked out; it cannot fail.
    pub(super) fn apply(&mut self, later: Vec<Scheduled>, plan: &[Scheduling]) {
        for (scheduled, scheduling) in later.into_iter().zip(plan) {
            if *scheduling == Scheduling::Done {
                self.n_scheduled += 1;
                self.insert(self.n_scheduled, scheduled);
            }
        }
    }

    fn insert(&mut self, nth: u64, scheduled: Scheduled) {
        let place = (scheduled.at, nth);
        self.by_id.insert(scheduled.message.id, place);
        self.waiting.insert(place, scheduled);
    }

    /// Takes out what waits or was set aside, with its number in the order of scheduling.
    fn take(&mut self, id: MessageId) -> Option<(u64, Scheduled)> {
        if let Some(aside) = self.aside.remove(&id) {
            return Some((aside.place.1, aside.scheduled));
        }
        let place = self.by_id.remove(&id)?;
        Some((place.1, self.waiting.remove(&place)?))
    }

    /// Takes out the first one whose time has come.
    fn take_due(&mut self, now: Timestamp) -> Option<(Place, Scheduled)> {
        let first = self.waiting.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let (place, scheduled) = first.remove_entry();
        self.by_id.remove(&scheduled.message.id);
        Some((place, scheduled))
    }

    fn find(&self, id: MessageId) -> Option<&Scheduled> {
        let waiting = self
            .by_id
            .get(&id)
            .and_then(|place| self.waiting.get(place));
        waiting.or_else(|| self.aside.get(&id).map(|aside| &aside.scheduled))
    }
}

impl State {
    /// Works out where each message goes, without storing any.
    pub(super) fn plan(
        &self,
        appends: &[StreamAppend],
        later: &[Scheduled],
    ) -> Result<(Vec<Appended>, Vec<Scheduling>), AppendError> {
        let appended = self.log.plan(appends)?;
        let mut ids: HashSet<_> = appended.iter().map(|place| place.id).collect();
        let mut scheduling = Vec::new();
        for Scheduled {
            stream, message, ..
        } in later
        {
            let id = message.id;
            let stored = self.log.find(id).map(|stored| &stored.stream_id);
            let known = self.agenda.find(id).map(|scheduled| &scheduled.stream);
            let is_elsewhere = stored.or(known).is_some_and(|known| known != stream);
            if !ids.insert(id) || is_elsewhere {
                return Err(AppendError::IdTaken { id });
            }
            scheduling.push(match (stored, known) {
                (Some(_), _) => Scheduling::AlreadyStored,
                (None, Some(_)) => Scheduling::AlreadyScheduled,
                (None, None) => Scheduling::Done,
            });
        }
        Ok((appended, scheduling))
    }

    fn promote(&mut self, limit: usize, now: Timestamp) -> Promotion {
        let mut promotion = Promotion::default();
        for _ in 0..limit {
            let Some((place, scheduled)) = self.agenda.take_due(now) else {
                break;
            };
            let append = vec![StreamAppend {
                stream: scheduled.stream.clone(),
                expected: ExpectedSeq::Any,
                messages: vec![scheduled.message.clone()],
            }];
            match self.log.plan(&append) {
                Ok(plan) => {
                    self.log.apply(append, &plan);
                    promotion.promoted += 1;
                }
                Err(error) => {
                    let aside = Aside {
                        place,
                        error: error.to_string(),
                        scheduled,
                    };
                    let id = aside.scheduled.message.id;
                    self.agenda.aside.insert(id, aside);
                    promotion.set_aside += 1;
                }
            }
        }
        let next = self.agenda.waiting.first_key_value();
        promotion.next_in = next.map(|((at, _), _)| at.saturating_since(now));
        promotion
    }

    fn why_not_scheduled(&self, id: MessageId) -> Change {
        match self.log.find(id) {
            Some(_) => Change::AlreadyStored,
            None => Change::Unknown,
        }
    }
}
