//! Upkeep in memory.

use async_trait::async_trait;

use super::store::Log;
use super::{Memory, State};
use crate::backend::{
    BackendError, Left, ReadStream, RecentStream, RecentStreams, Statistics, TruncateError,
    Truncation, Upkeep, never_there,
};
use crate::message::{Metadata, Payload, StoredMessage};
use crate::stream::{Position, Seq};

#[async_trait]
impl Upkeep for Memory {
    async fn truncate_stream(&self, truncation: &Truncation) -> Result<u64, TruncateError> {
        let mut state = self.state();
        let State {
            log, groups, bases, ..
        } = &mut *state;
        let (stream, upto) = (&truncation.stream, truncation.upto);
        let positions = log.positions(stream).to_vec();
        let last = Seq::new(positions.len() as u64);
        if last < Some(upto) {
            let stream = stream.clone();
            return Err(TruncateError::BeyondEnd { stream, last });
        }
        let mut names: Vec<_> = groups.keys().cloned().collect();
        names.sort();
        for group in names {
            let Some(lanes) = groups.get_mut(&group) else {
                continue;
            };
            lanes.pump(log);
            let must_be_handled = truncation.handled_by(&group);
            let waiting = lanes.first_waiting(stream, log).map(|message| message.seq);
            if let Some(seq) = waiting.filter(|seq| *seq <= must_be_handled) {
                let stream = stream.clone();
                return Err(TruncateError::Waiting { group, stream, seq });
            }
        }
        for (actor, base) in &truncation.bases {
            bases.insert((actor.clone(), stream.clone()), base.clone());
        }
        let mut removed = 0;
        for position in positions {
            if log.at(position).seq > upto {
                break;
            }
            removed += u64::from(log.remove(position));
        }
        Ok(removed)
    }

    async fn read_left(&self, read: &ReadStream) -> Result<Left, BackendError> {
        let state = self.state();
        let mut left = Left::default();
        for message in state.log.part(read) {
            left.add(state.log.left(message))?;
        }
        Ok(left)
    }

    async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError> {
        let state = self.state();
        let log = &state.log;
        let is_before = |message: &&StoredMessage| before.is_none_or(|at| message.position < at);
        let part = log
            .messages
            .iter()
            .rev()
            .skip_while(|message| !is_before(message));
        let part = part.take(RecentStreams::MOST_LOOKED_AT);
        let is_last = |message: &&StoredMessage| {
            log.positions(&message.stream_id).last() == Some(&message.position)
        };
        let streams = part
            .clone()
            .filter(is_last)
            .take(limit)
            .map(|last| RecentStream {
                id: last.stream_id.clone(),
                last: last.seq,
                position: last.position,
                at: last.created_at,
            });
        let lowest = part.clone().last().map(|message| message.position);
        Ok(RecentStreams::page(streams.collect(), limit, lowest))
    }

    async fn statistics(&self) -> Result<Statistics, BackendError> {
        let state = self.state();
        let (messages, streams) = (state.log.messages.len(), state.log.n_streams());
        Ok(Statistics::new(messages as u64, streams as u64, None))
    }

    async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
        let mut state = self.state();
        let log = &mut state.log;
        for message in messages {
            let there = log.find(message.id);
            if there.is_none_or(|there| !is_same(there, message)) {
                return Err(never_there(&message.stream_id, message.seq));
            }
        }
        let mut restored = 0;
        for message in messages {
            restored += u64::from(log.put_back(message));
        }
        Ok(restored)
    }
}

fn is_same(there: &StoredMessage, back: &StoredMessage) -> bool {
    (&there.stream_id, there.seq, there.position) == (&back.stream_id, back.seq, back.position)
        && there.type_name == back.type_name
}

impl Log {
    /// Takes away all but the envelope; whether it was there.
    fn remove(&mut self, position: Position) -> bool {
        let message = self.at_mut(position);
        message.payload = Payload::from_storage("null");
        message.metadata = Metadata::new();
        self.removed.insert(position)
    }

    /// Whether it was missing.
    fn put_back(&mut self, message: &StoredMessage) -> bool {
        let is_missing = self.removed.remove(&message.position);
        if is_missing {
            *self.at_mut(message.position) = message.clone();
        }
        is_missing
    }
}
