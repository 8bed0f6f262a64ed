//! The lanes of one group, as they have to be.

use std::collections::HashSet;

use sourced::MessageId;
use sourced::backend::ClaimKey;

use super::fixed::{LOG, lanes_of};
use super::operation::Blow;
use super::streams::{Stored, Streams};

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) is_stopped: bool,
    /// Of the streams, and of the whole log.
    lanes: [Lane; LOG + 1],
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    acked: HashSet<MessageId>,
    /// Resets notwithstanding.
    ever_acked: HashSet<MessageId>,
    pub(super) attempts: u32,
    place: Place,
    /// The highest that was given.
    epoch: u64,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Free,
    /// Until somebody takes it over, which may be after this hour.
    Held(ClaimKey, u64),
    /// Until this hour.
    Delayed(u64),
    Parked,
}

impl Group {
    pub(super) fn lane(&mut self, stream: usize) -> &mut Lane {
        &mut self.lanes[stream]
    }

    /// How many lanes have something to do, as `pending_lanes` counts them.
    pub(super) fn n_pending(&self, group: usize, streams: &Streams) -> usize {
        if self.is_stopped {
            return 0;
        }
        let has_work = |lane: &&usize| {
            let (nth, lane) = (**lane, &self.lanes[**lane]);
            !lane.is_parked() && lane.pending(group, streams.of(nth)).next().is_some()
        };
        lanes_of(group).iter().filter(has_work).count()
    }
}

impl Lane {
    /// What is to be handled, in order.
    pub(super) fn pending<'s>(
        &'s self,
        group: usize,
        stored: &'s [Stored],
    ) -> impl Iterator<Item = &'s Stored> {
        let is_pending = move |stored: &&Stored| {
            stored.sort.is_handled_by(group) && !self.acked.contains(&stored.id)
        };
        stored.iter().filter(is_pending)
    }

    pub(super) fn is_replay(&self, id: MessageId) -> bool {
        self.ever_acked.contains(&id)
    }

    pub(super) fn is_parked(&self) -> bool {
        matches!(self.place, Place::Parked)
    }

    /// Why nobody may be given the lane now.
    pub(super) fn is_closed(&self, now: u64) -> Option<&'static str> {
        match self.place {
            Place::Free => None,
            Place::Held(_, until) if until <= now => None,
            Place::Held(..) => Some("somebody holds it"),
            Place::Delayed(until) if until <= now => None,
            Place::Delayed(_) => Some("its delay is not over"),
            Place::Parked => Some("it is parked"),
        }
    }

    pub(super) fn is_held_by(&self, claim: &ClaimKey) -> bool {
        matches!(&self.place, Place::Held(key, _) if key == claim)
    }

    /// Whether this is the highest epoch so far.
    pub(super) fn claimed(&mut self, claim: &ClaimKey, until: u64) -> bool {
        let is_higher = claim.epoch.get() > self.epoch;
        self.epoch = claim.epoch.get();
        self.place = Place::Held(claim.clone(), until);
        is_higher
    }

    pub(super) fn renewed(&mut self, until: u64) {
        if let Place::Held(_, held_until) = &mut self.place {
            *held_until = until;
        }
    }

    pub(super) fn acked(&mut self, ids: impl IntoIterator<Item = MessageId>) {
        for id in ids {
            self.acked.insert(id);
            self.ever_acked.insert(id);
        }
        self.attempts = 0;
        self.place = Place::Free;
    }

    pub(super) fn freed(&mut self) {
        self.place = Place::Free;
    }

    /// Its first message has failed.
    pub(super) fn failed(&mut self, blow: Blow, first: MessageId, hour: u64) {
        match blow {
            Blow::Skip => return self.acked([first]),
            Blow::RetryInAnHour => self.place = Place::Delayed(hour + 1),
            Blow::Park => self.place = Place::Parked,
        }
        self.attempts += 1;
    }

    /// What was acknowledged comes again.
    pub(super) fn reset(&mut self) {
        self.acked.clear();
        self.attempts = 0;
        self.place = Place::Free;
    }

    pub(super) fn retried(&mut self) {
        self.attempts = 0;
        self.place = Place::Free;
    }
}
