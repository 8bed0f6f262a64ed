//! What becomes of the lanes of one group after a failure.

use super::lanes::{Lane, Lanes, Place};
use super::store::Log;
use crate::backend::{
    FailedMessage, GroupState, GroupStatus, Intervention, LaneFailure, Parked, Remedy, Verdict,
};
use crate::message::TypeName;
use crate::stream::{Position, StreamId};
use crate::time::Timestamp;

impl Lanes {
    /// Ends a held claim with a failure of its first message.
    pub(super) fn fail(
        &mut self,
        stream: &StreamId,
        verdict: Verdict,
        error: &str,
        log: &Log,
        now: Timestamp,
    ) {
        let Some(lane) = self.by_stream.get_mut(stream) else {
            return;
        };
        let Some(first) = lane.pending.first() else {
            return self.release(stream);
        };
        let message = log.at(*first);
        lane.holder = None;
        lane.attempts = lane.attempts.saturating_add(1);
        lane.failure = Some(LaneFailure {
            stream: message.stream_id.clone(),
            position: message.position,
            seq: message.seq,
            message: message.id,
            type_name: message.type_name.clone(),
            error: error.to_owned(),
            since: lane.failure.as_ref().map_or(now, |before| before.since),
            at: now,
        });
        let place = match verdict {
            Verdict::RetryAfter(delay) => Place::Waiting(now.saturating_add(delay)),
            Verdict::Park => Place::Parked,
            Verdict::Skip => return self.skip(stream, error, log, now),
            Verdict::StopGroup => {
                self.state = GroupState::Failed {
                    error: error.to_owned(),
                    message: Some(FailedMessage {
                        position: message.position,
                        type_name: message.type_name.clone(),
                    }),
                    at: now,
                };
                return self.offer(stream);
            }
        };
        self.place(stream, place);
    }

    pub(super) fn first_pending(&self, stream: &StreamId) -> Option<Position> {
        self.by_stream.get(stream)?.pending.first().copied()
    }

    /// Acknowledges the first pending message, whoever holds the lane.
    pub(super) fn skip(&mut self, stream: &StreamId, reason: &str, log: &Log, now: Timestamp) {
        let Some(first) = self.first_pending(stream) else {
            return;
        };
        self.record(Remedy::Skipped, stream, first, reason, log, now);
        self.ack(stream, first);
    }

    /// Whether the lane was parked; it is ready then.
    pub(super) fn retry_parked(
        &mut self,
        stream: &StreamId,
        reason: &str,
        log: &Log,
        now: Timestamp,
    ) -> bool {
        let lane = self.by_stream.get(stream);
        let Some(lane) = lane.filter(|lane| matches!(lane.place, Place::Parked)) else {
            return false;
        };
        if let Some(failure) = &lane.failure {
            self.record(Remedy::Retried, stream, failure.position, reason, log, now);
        }
        if let Some(lane) = self.by_stream.get_mut(stream) {
            lane.forget_failures();
        }
        self.offer(stream);
        true
    }

    pub(super) fn parked(&self, after: Option<&StreamId>, limit: usize) -> Vec<Parked> {
        let of_lane = |(stream, lane): (&StreamId, &Lane)| {
            let failure = lane.failure.clone();
            Some(Parked {
                stream: stream.clone(),
                attempts: lane.attempts,
                failure: failure.filter(|_| matches!(lane.place, Place::Parked))?,
            })
        };
        let mut parked: Vec<Parked> = self.by_stream.iter().filter_map(of_lane).collect();
        parked.sort_by(|a, b| a.stream.cmp(&b.stream));
        parked.retain(|parked| Some(&parked.stream) > after);
        parked.truncate(limit);
        parked
    }

    pub(super) fn status(&self, log_end: Position) -> GroupStatus {
        let lanes = self.by_stream.values();
        let is_pending = |place: Place| matches!(place, Place::Ready(_) | Place::Waiting(_));
        let parked = lanes
            .clone()
            .filter(|lane| matches!(lane.place, Place::Parked));
        let pending = lanes.clone().filter(|lane| is_pending(lane.place));
        let waiting = self.waiting.iter().map(|(_, stream)| stream);
        let next = self.ready.first().map(|(_, stream)| stream);
        let is_replaying = waiting.chain(next).any(|stream| {
            let lane = &self.by_stream[stream];
            let first = lane.pending.first();
            first.is_some_and(|first| lane.ever_acked.contains(first))
        });
        let oldest = pending
            .filter_map(|lane| lane.pending.first().copied())
            .min();
        let mut types: Vec<_> = self.types.iter().cloned().collect();
        types.sort_by(|a: &TypeName, b| a.as_str().cmp(b.as_str()));
        GroupStatus {
            id: self.group.clone(),
            types,
            state: self.state.clone(),
            sorted_upto: self.pumped,
            log_end,
            pending: ((self.ready.len() + self.waiting.len()) as u64)
                .min(GroupStatus::MOST_COUNTED),
            parked: (parked.count() as u64).min(GroupStatus::MOST_COUNTED),
            oldest_pending: oldest,
            is_replaying,
        }
    }

    fn record(
        &mut self,
        remedy: Remedy,
        stream: &StreamId,
        position: Position,
        reason: &str,
        log: &Log,
        now: Timestamp,
    ) {
        let message = log.at(position);
        let lane = self.by_stream.get(stream);
        let failure = lane.and_then(|lane| lane.failure.as_ref());
        let number = self.interventions.len() as u64 + 1;
        self.interventions.push(Intervention {
            number,
            remedy,
            stream: message.stream_id.clone(),
            seq: message.seq,
            position,
            message: message.id,
            type_name: message.type_name.clone(),
            attempts: lane.map_or(0, |lane| lane.attempts),
            error: failure.map(|failure| failure.error.clone()),
            reason: reason.to_owned(),
            at: now,
        });
    }
}
