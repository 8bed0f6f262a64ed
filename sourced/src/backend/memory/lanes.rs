//! The lanes of one group: which streams have something to handle, in which order, and who holds them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::store::Log;
use crate::backend::{
    Claim, ClaimKey, ClaimRequest, Delivery, Epoch, GroupOrder, GroupState, Intervention,
    LaneFailure, LaneState, OrderError, Room, WorkerId,
};
use crate::message::{StoredMessage, TypeName};
use crate::stream::{GroupId, Position, StreamId};
use crate::time::Timestamp;

pub(super) struct Lanes {
    pub(super) group: GroupId,
    pub(super) types: HashSet<TypeName>,
    pub(super) order: GroupOrder,
    pub(super) state: GroupState,
    /// Until then nobody claims.
    pub(super) held_until: Option<Timestamp>,
    /// The epoch of a lane nobody claimed yet. Of its own for each registration, so that a group of a removed one's name
    /// shares no claims with it.
    first_epoch: Epoch,
    /// Where the group began to listen.
    pub(super) start: Position,
    /// Everything up to here is sorted into lanes.
    pub(super) pumped: Position,
    pub(super) by_stream: HashMap<StreamId, Lane>,
    /// What was done about messages that failed.
    pub(super) interventions: Vec<Intervention>,
    /// Lanes at [`Place::Ready`].
    pub(super) ready: BTreeSet<(Position, StreamId)>,
    /// Lanes at [`Place::Waiting`].
    pub(super) waiting: BTreeSet<(Timestamp, StreamId)>,
}

pub(super) struct Lane {
    /// What is to be handled.
    pub(super) pending: BTreeSet<Position>,
    /// The highest position acknowledged.
    pub(super) acked_upto: Position,
    /// What is acknowledged, message by message: which types were handled when decides nothing then.
    acked: BTreeSet<Position>,
    /// What was ever acknowledged, resets notwithstanding: when it is delivered again it is a replay.
    pub(super) ever_acked: HashSet<Position>,
    pub(super) attempts: u32,
    pub(super) failure: Option<LaneFailure>,
    epoch: Epoch,
    pub(super) holder: Option<WorkerId>,
    pub(super) place: Place,
}

/// In which of the group's indexes a lane is found.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// In none: there is nothing to do.
    Idle,
    /// To be claimed, by the position of its oldest pending message.
    Ready(Position),
    /// Until its lease ends, or its delay is over.
    Waiting(Timestamp),
    /// In none, until a person looks at it.
    Parked,
}

impl Lanes {
    pub(super) fn new(
        group: GroupId,
        types: HashSet<TypeName>,
        order: GroupOrder,
        start: Position,
        n_earlier: u64,
    ) -> Self {
        let mut lanes = Self {
            group,
            types,
            order,
            state: GroupState::Active,
            held_until: None,
            first_epoch: Epoch::new(n_earlier << 32),
            start,
            pumped: start,
            by_stream: HashMap::new(),
            interventions: Vec::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
        };
        if order == GroupOrder::Global {
            let lane = Lane::new(start, lanes.first_epoch);
            lanes.by_stream.insert(StreamId::log(), lane);
        }
        lanes
    }

    /// Changes what the group handles, and sorts the log again: what was not acknowledged is owed, wherever it lies.
    ///
    /// Running claims are taken back: acknowledging one could jump over a message of a new type in between.
    pub(super) fn set_types(
        &mut self,
        types: HashSet<TypeName>,
        log: &Log,
    ) -> Result<(), OrderError> {
        if self.types == types {
            return Ok(());
        }
        if self.order == GroupOrder::Global {
            self.keep_order(&types, log)?;
        }
        self.types = types;
        self.pumped = self.start;
        for lane in self.by_stream.values_mut() {
            lane.pending.clear();
        }
        self.pump(log);
        self.fence();
        Ok(())
    }

    /// Forgets what was acknowledged after this position, in one stream or in all, so that it comes again.
    ///
    /// What the group no longer handles stays acknowledged. Running claims are taken back, and parked lanes are free.
    pub(super) fn reset(&mut self, only: Option<&StreamId>, after: Position, log: &Log) {
        self.pump(log);
        let after = after.max(self.start);
        let streams: Vec<StreamId> = match only {
            Some(stream) => vec![stream.clone()],
            None => self.by_stream.keys().cloned().collect(),
        };
        for stream in &streams {
            let Some(lane) = self.by_stream.get_mut(stream) else {
                continue;
            };
            for position in lane.acked.split_off(&after.next()) {
                let is_handled =
                    !log.is_removed(position) && self.types.contains(&log.at(position).type_name);
                let again = if is_handled {
                    &mut lane.pending
                } else {
                    &mut lane.acked
                };
                again.insert(position);
            }
            lane.acked_upto = lane.acked_upto.min(after);
            lane.forget_failures();
            lane.holder = None;
            self.offer(stream);
        }
    }

    /// Sorts what is new in the log into lanes.
    pub(super) fn pump(&mut self, log: &Log) {
        for message in log.after(self.pumped) {
            self.pumped = message.position;
            let is_decided = message.decided_by.as_ref() == Some(&self.group);
            if log.is_removed(message.position) {
                continue;
            }
            if is_decided || !self.types.contains(&message.type_name) {
                continue;
            }
            let stream = match self.order {
                GroupOrder::PerStream => message.stream_id.clone(),
                GroupOrder::Global => StreamId::log(),
            };
            let lane = self
                .by_stream
                .entry(stream.clone())
                .or_insert_with(|| Lane::new(self.start, self.first_epoch));
            if lane.acked.contains(&message.position) {
                continue;
            }
            lane.pending.insert(message.position);
            if let Place::Idle = lane.place {
                lane.place = Place::Ready(message.position);
                self.ready.insert((message.position, stream));
            }
        }
    }

    /// Moves the lanes whose lease has ended or whose delay is over to the ready ones.
    ///
    /// A holder whose lease has ended keeps the lane until somebody else really claims it.
    pub(super) fn wake(&mut self, now: Timestamp) {
        while let Some((until, stream)) = self.waiting.first() {
            if *until > now {
                return;
            }
            let stream = stream.clone();
            self.offer(&stream);
        }
    }

    /// Claims the lane that waits longest.
    pub(super) fn claim(
        &mut self,
        log: &Log,
        request: &ClaimRequest,
        now: Timestamp,
    ) -> Option<Claim> {
        let (_, stream) = self.ready.first()?.clone();
        self.claim_stream(stream, log, request, now)
    }

    /// Whether nobody may claim for a while.
    pub(super) fn is_held_back(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| until > now)
    }

    /// Claims a lane that is ready.
    pub(super) fn claim_stream(
        &mut self,
        stream: StreamId,
        log: &Log,
        request: &ClaimRequest,
        now: Timestamp,
    ) -> Option<Claim> {
        if !self.state.is_active() || self.is_held_back(now) {
            return None;
        }
        self.place(&stream, Place::Waiting(now.saturating_add(request.lease)));
        let lane = self.by_stream.get_mut(&stream)?;
        lane.epoch = Epoch::new(lane.epoch.get() + 1);
        lane.holder = Some(request.worker);
        let mut room = Room::new(request.messages_per_lane, request.bytes);
        let pending = lane.pending.iter().map(|position| log.at(*position));
        let next = pending.take_while(|next| room.takes(&next.payload, &next.metadata));
        let failure = lane.failure.as_ref();
        let failing_for = failure.map_or(Duration::ZERO, |failure| {
            now.saturating_since(failure.since)
        });
        Some(Claim {
            deliveries: next
                .map(|message| Delivery {
                    message: message.clone(),
                    replaying: lane.ever_acked.contains(&message.position),
                })
                .collect(),
            attempts: lane.attempts,
            failing_for,
            key: ClaimKey {
                group: self.group.clone(),
                stream,
                worker: request.worker,
                epoch: lane.epoch,
            },
        })
    }

    /// Whether the group handles this type.
    pub(super) fn handles(&self, of: &TypeName) -> bool {
        self.types.contains(of)
    }

    /// Whether nothing of the stream waits for the group, nor is being handled.
    ///
    /// In global order that would be a question about the whole log, which moves on: it is never sure.
    pub(super) fn is_quiet(&self, stream: &StreamId) -> bool {
        if self.order == GroupOrder::Global {
            return false;
        }
        let lane = self.by_stream.get(stream);
        lane.is_none_or(|lane| lane.pending.is_empty() && lane.holder.is_none())
    }

    /// The first message of the stream that waits for the group, claimed ones included.
    pub(super) fn first_waiting<'l>(
        &self,
        stream: &StreamId,
        log: &'l Log,
    ) -> Option<&'l StoredMessage> {
        match self.order {
            GroupOrder::PerStream => {
                let first = self.by_stream.get(stream)?.pending.first()?;
                Some(log.at(*first))
            }
            GroupOrder::Global => {
                let pending = self.by_stream.get(&StreamId::log())?.pending.iter();
                let mut messages = pending.map(|position| log.at(*position));
                messages.find(|message| message.stream_id == *stream)
            }
        }
    }

    /// Whether something of the stream is to be claimed, and nothing but messages at these positions waits in it.
    pub(super) fn has_nothing_but(&self, stream: &StreamId, positions: &HashSet<Position>) -> bool {
        let Some(lane) = self.by_stream.get(stream) else {
            return false;
        };
        let is_ready = matches!(lane.place, Place::Ready(_));
        is_ready
            && lane
                .pending
                .iter()
                .all(|position| positions.contains(position))
    }

    /// Whether this claim still holds its lane.
    pub(super) fn is_held(&self, claim: &ClaimKey) -> bool {
        let lane = self.by_stream.get(&claim.stream);
        lane.is_some_and(|lane| lane.holder == Some(claim.worker) && lane.epoch == claim.epoch)
    }

    /// Ends a held claim with progress.
    pub(super) fn ack(&mut self, stream: &StreamId, upto: Position) {
        let Some(lane) = self.by_stream.get_mut(stream) else {
            return;
        };
        lane.acked_upto = lane.acked_upto.max(upto);
        let later = lane.pending.split_off(&upto.next());
        let handled = std::mem::replace(&mut lane.pending, later);
        lane.ever_acked.extend(&handled);
        lane.acked.extend(handled);
        lane.forget_failures();
        self.release(stream);
    }

    /// Ends a held claim without progress.
    pub(super) fn release(&mut self, stream: &StreamId) {
        if let Some(lane) = self.by_stream.get_mut(stream) {
            lane.holder = None;
            self.offer(stream);
        }
    }

    /// Ends a held claim without progress, until then.
    pub(super) fn postpone(&mut self, stream: &StreamId, until: Timestamp) {
        if let Some(lane) = self.by_stream.get_mut(stream) {
            lane.holder = None;
            self.place(stream, Place::Waiting(until));
        }
    }

    /// Gives a held claim until then.
    pub(super) fn renew(&mut self, stream: &StreamId, until: Timestamp) {
        self.place(stream, Place::Waiting(until));
    }

    pub(super) fn lane_state(&self, stream: &StreamId) -> Option<LaneState> {
        let lane = self.by_stream.get(stream)?;
        Some(LaneState::new(
            lane.acked_upto,
            lane.attempts,
            matches!(lane.place, Place::Parked),
            lane.failure.clone(),
        ))
    }

    /// How many lanes hold work, parked ones aside: a claimed lane is in one of the two indexes, too.
    pub(super) fn pending(&self) -> u64 {
        if !self.state.is_active() {
            return 0;
        }
        (self.ready.len() + self.waiting.len()) as u64
    }

    /// Whether something waits here that the other group has ever handled.
    pub(super) fn is_behind(&self, other: &Self) -> bool {
        self.by_stream.iter().any(|(stream, lane)| {
            let Some(other) = other.by_stream.get(stream) else {
                return false;
            };
            let has_handled = |position: &Position| {
                *position <= other.acked_upto || other.ever_acked.contains(position)
            };
            lane.pending.iter().any(has_handled)
        })
    }

    /// Takes back all claims.
    pub(super) fn fence(&mut self) {
        let streams: Vec<StreamId> = self.by_stream.keys().cloned().collect();
        for stream in &streams {
            self.take_back(stream);
        }
    }

    /// Puts a lane where it belongs after its work has changed: a holder loses it, a delay goes on while there is work.
    fn take_back(&mut self, stream: &StreamId) {
        let Some(lane) = self.by_stream.get_mut(stream) else {
            return;
        };
        let was_held = lane.holder.take().is_some();
        match lane.place {
            Place::Parked => {}
            Place::Waiting(_) if !was_held && !lane.pending.is_empty() => {}
            _ => self.offer(stream),
        }
    }

    /// Makes a lane ready if it has something to do.
    pub(super) fn offer(&mut self, stream: &StreamId) {
        let first = self
            .by_stream
            .get(stream)
            .and_then(|lane| lane.pending.first().copied());
        self.place(stream, first.map_or(Place::Idle, Place::Ready));
    }

    pub(super) fn place(&mut self, stream: &StreamId, place: Place) {
        let Some(lane) = self.by_stream.get_mut(stream) else {
            return;
        };
        match lane.place {
            Place::Ready(position) => _ = self.ready.remove(&(position, stream.clone())),
            Place::Waiting(until) => _ = self.waiting.remove(&(until, stream.clone())),
            Place::Idle | Place::Parked => {}
        }
        match place {
            Place::Ready(position) => _ = self.ready.insert((position, stream.clone())),
            Place::Waiting(until) => _ = self.waiting.insert((until, stream.clone())),
            Place::Idle | Place::Parked => {}
        }
        lane.place = place;
    }
}

impl Lane {
    fn new(start: Position, epoch: Epoch) -> Self {
        Self {
            pending: BTreeSet::new(),
            acked_upto: start,
            acked: BTreeSet::new(),
            ever_acked: HashSet::new(),
            attempts: 0,
            failure: None,
            epoch,
            holder: None,
            place: Place::Idle,
        }
    }

    pub(super) fn forget_failures(&mut self) {
        self.attempts = 0;
        self.failure = None;
    }
}
