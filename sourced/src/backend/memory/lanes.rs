//! The lanes of one group: which streams have something to handle, in which order, and who holds them.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::store::Log;
use crate::backend::{
    Claim, ClaimKey, ClaimRequest, Delivery, Epoch, LaneState, Verdict, WorkerId,
};
use crate::message::TypeName;
use crate::stream::{GroupId, Position, StreamId};
use crate::time::Timestamp;

pub(super) struct Lanes {
    group: GroupId,
    types: HashSet<TypeName>,
    /// Where the group began to listen.
    start: Position,
    /// Everything up to here is sorted into lanes.
    pumped: Position,
    by_stream: HashMap<StreamId, Lane>,
    /// Lanes at [`Place::Ready`].
    ready: BTreeSet<(Position, StreamId)>,
    /// Lanes at [`Place::Waiting`].
    waiting: BTreeSet<(Timestamp, StreamId)>,
}

struct Lane {
    /// What is to be handled, oldest first.
    pending: VecDeque<Position>,
    acked: Position,
    /// The highest position ever acknowledged: what lies up to there is a replay, even when `acked` is set back.
    max_acked: Position,
    attempts: u32,
    last_error: Option<String>,
    epoch: Epoch,
    holder: Option<WorkerId>,
    place: Place,
}

/// In which of the group's indexes a lane is found.
#[derive(Clone, Copy)]
enum Place {
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
    pub(super) fn new(group: GroupId, types: HashSet<TypeName>, start: Position) -> Self {
        Self {
            group,
            types,
            start,
            pumped: start,
            by_stream: HashMap::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Changes what the group handles, and sorts the log again.
    ///
    /// Running claims are taken back: acknowledging one could jump over a message of a new type in between.
    pub(super) fn set_types(&mut self, types: HashSet<TypeName>, log: &Log) {
        if self.types == types {
            return;
        }
        self.types = types;
        self.pumped = self.start;
        self.ready.clear();
        for (stream, lane) in &mut self.by_stream {
            lane.pending.clear();
            let is_claimed = lane.holder.take().is_some();
            match lane.place {
                Place::Waiting(until) if is_claimed => {
                    self.waiting.remove(&(until, stream.clone()));
                    lane.place = Place::Idle;
                }
                Place::Ready(_) => lane.place = Place::Idle,
                Place::Idle | Place::Waiting(_) | Place::Parked => {}
            }
        }
        self.pump(log);
        self.waiting.retain(|(_, stream)| {
            let lane = self.by_stream.get_mut(stream);
            lane.is_some_and(|lane| {
                if lane.pending.is_empty() {
                    lane.place = Place::Idle;
                }
                !lane.pending.is_empty()
            })
        });
    }

    /// Sorts what is new in the log into lanes.
    pub(super) fn pump(&mut self, log: &Log) {
        for message in log.after(self.pumped) {
            self.pumped = message.position;
            let is_decided = message.decided_by.as_ref() == Some(&self.group);
            if is_decided || !self.types.contains(&message.type_name) {
                continue;
            }
            let stream = &message.stream_id;
            let lane = self
                .by_stream
                .entry(stream.clone())
                .or_insert_with(|| Lane::new(self.start));
            if message.position <= lane.acked {
                continue;
            }
            lane.pending.push_back(message.position);
            if let Place::Idle = lane.place {
                lane.place = Place::Ready(message.position);
                self.ready.insert((message.position, stream.clone()));
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
        self.place(&stream, Place::Waiting(now.saturating_add(request.lease)));
        let lane = self.by_stream.get_mut(&stream)?;
        lane.epoch = Epoch::new(lane.epoch.get() + 1);
        lane.holder = Some(request.worker);
        let next = lane.pending.iter().take(request.messages_per_lane.max(1));
        Some(Claim {
            deliveries: next
                .map(|position| Delivery {
                    message: log.at(*position).clone(),
                    replaying: *position <= lane.max_acked,
                })
                .collect(),
            attempts: lane.attempts,
            key: ClaimKey {
                group: self.group.clone(),
                stream,
                worker: request.worker,
                epoch: lane.epoch,
            },
        })
    }

    /// Whether nothing of the stream waits for the group, nor is being handled.
    pub(super) fn is_quiet(&self, stream: &StreamId) -> bool {
        let lane = self.by_stream.get(stream);
        lane.is_none_or(|lane| lane.pending.is_empty() && lane.holder.is_none())
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
        lane.acked = lane.acked.max(upto);
        lane.max_acked = lane.max_acked.max(lane.acked);
        while lane.pending.front().is_some_and(|next| *next <= lane.acked) {
            lane.pending.pop_front();
        }
        lane.attempts = 0;
        lane.last_error = None;
        self.release(stream);
    }

    /// Ends a held claim without progress.
    pub(super) fn release(&mut self, stream: &StreamId) {
        if let Some(lane) = self.by_stream.get_mut(stream) {
            lane.holder = None;
            self.offer(stream);
        }
    }

    /// Ends a held claim with a failure.
    pub(super) fn fail(
        &mut self,
        stream: &StreamId,
        verdict: Verdict,
        error: &str,
        now: Timestamp,
    ) {
        let Some(lane) = self.by_stream.get_mut(stream) else {
            return;
        };
        lane.holder = None;
        lane.attempts = lane.attempts.saturating_add(1);
        lane.last_error = Some(error.to_owned());
        self.place(
            stream,
            match verdict {
                Verdict::RetryAfter(delay) => Place::Waiting(now.saturating_add(delay)),
                Verdict::Park => Place::Parked,
            },
        );
    }

    /// Gives a held claim until then.
    pub(super) fn renew(&mut self, stream: &StreamId, until: Timestamp) {
        self.place(stream, Place::Waiting(until));
    }

    pub(super) fn state(&self, stream: &StreamId) -> Option<LaneState> {
        let lane = self.by_stream.get(stream)?;
        Some(LaneState::new(
            lane.acked,
            lane.attempts,
            matches!(lane.place, Place::Parked),
            lane.last_error.clone(),
        ))
    }

    /// How many lanes hold work, parked ones aside: a claimed lane is in one of the two indexes, too.
    pub(super) fn pending(&self) -> u64 {
        (self.ready.len() + self.waiting.len()) as u64
    }

    /// Makes a lane ready if it has something to do.
    fn offer(&mut self, stream: &StreamId) {
        let first = self
            .by_stream
            .get(stream)
            .and_then(|lane| lane.pending.front().copied());
        self.place(stream, first.map_or(Place::Idle, Place::Ready));
    }

    fn place(&mut self, stream: &StreamId, place: Place) {
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
    fn new(start: Position) -> Self {
        Self {
            pending: VecDeque::new(),
            acked: start,
            max_acked: Position::START,
            attempts: 0,
            last_error: None,
            epoch: Epoch::default(),
            holder: None,
            place: Place::Idle,
        }
    }
}
