//! The log in memory: appending to it.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use foldhash::fast::RandomState;

use super::{Memory, Messages};
use crate::backend::{
    AppendError, Appended, BackendError, ExpectedSeq, LastEvent, Limits, Store, StreamAppend,
};
use crate::message::{CorrelationId, Kind, MessageId, StoredMessage};
use crate::stream::{Position, Seq, StreamId};

#[async_trait]
impl Store for Memory {
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<Vec<Appended>, AppendError> {
        Limits::default().check(&appends)?;
        let appended = {
            let mut state = self.state();
            let plan = state.log.plan(&appends)?;
            state.log.apply(appends, &plan);
            plan
        };
        if appended.iter().any(|message| !message.already_stored) {
            self.raise();
        }
        Ok(appended)
    }
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) messages: Messages,
    pub(super) streams: HashMap<StreamId, Stream, RandomState>,
    by_id: HashMap<MessageId, Position, RandomState>,
    /// The last message of each conversation.
    pub(super) last_of: HashMap<CorrelationId, Position, RandomState>,
    /// By position, the message before it in its conversation.
    pub(super) before: Vec<Option<Position>>,
    /// Of these only the envelope is left.
    pub(super) removed: HashSet<Position, RandomState>,
}

#[derive(Default)]
pub(super) struct Stream {
    /// By seq.
    pub(super) positions: Vec<Position>,
    last_event: Option<LastEvent>,
}

impl Stream {
    fn last_seq(&self) -> Option<Seq> {
        Seq::new(self.positions.len() as u64)
    }
}

impl Log {
    /// Works out where each message goes, without storing any.
    pub(super) fn plan(&self, appends: &[StreamAppend]) -> Result<Vec<Appended>, AppendError> {
        refuse_repetitions(appends)?;
        let stored = self.first_already_stored(appends)?;
        let mut messages = appends.iter().flat_map(|append| &append.messages);
        let is_retry = stored.is_some() && messages.all(|m| self.by_id.contains_key(&m.id));
        let mut end = self.end();
        let mut plan = Vec::with_capacity(appends.iter().map(|append| append.messages.len()).sum());
        for append in appends {
            let stream = self.streams.get(&append.stream);
            let mut last_seq = stream.and_then(Stream::last_seq);
            if append.messages.is_empty() && !is_retry {
                check_new(append, stream, stored)?;
            }
            let mut is_checked = false;
            for message in &append.messages {
                // When none is stored, no single one has to be looked for.
                if let Some(position) = stored.and_then(|_| self.by_id.get(&message.id).copied()) {
                    plan.push(Appended {
                        id: message.id,
                        seq: self.at(position).seq,
                        position,
                        already_stored: true,
                    });
                    continue;
                }
                if !is_checked {
                    check_new(append, stream, stored)?;
                    is_checked = true;
                }
                let seq = Seq::after(last_seq);
                end = end.next();
                last_seq = Some(seq);
                plan.push(Appended {
                    id: message.id,
                    seq,
                    position: end,
                    already_stored: false,
                });
            }
        }
        Ok(plan)
    }

    /// Stores what [`Log::plan`] has just worked out; it cannot fail.
    pub(super) fn apply(&mut self, appends: Vec<StreamAppend>, plan: &[Appended]) {
        let mut places = plan.iter();
        for StreamAppend {
            stream: id,
            messages,
            ..
        } in appends
        {
            let places = messages.into_iter().zip(places.by_ref());
            let mut new = places.filter(|(_, place)| !place.already_stored).peekable();
            if new.peek().is_none() {
                continue;
            }
            let stream = self.streams.entry(id.clone()).or_default();
            for (message, place) in new {
                stream.positions.push(place.position);
                if message.kind == Kind::Event {
                    stream.last_event = Some(LastEvent {
                        seq: place.seq,
                        id: place.id,
                    });
                }
                self.by_id.insert(message.id, place.position);
                let conversation = message.correlation_id;
                self.before
                    .push(self.last_of.insert(conversation, place.position));
                let (seq, position) = (place.seq, place.position);
                let message = StoredMessage::stored(message, id.clone(), seq, position);
                self.messages.push(message);
            }
        }
    }

    pub(super) fn end(&self) -> Position {
        Position::new(self.messages.len() as u64)
    }

    /// The message at this position, which must be one of the log's.
    pub(super) fn at(&self, position: Position) -> &StoredMessage {
        &self.messages[index(position) - 1]
    }

    pub(super) fn at_mut(&mut self, position: Position) -> &mut StoredMessage {
        &mut self.messages[index(position) - 1]
    }

    /// The message of this id, also where only its envelope is left.
    pub(super) fn find(&self, id: MessageId) -> Option<&StoredMessage> {
        self.by_id.get(&id).map(|position| self.at(*position))
    }

    /// Whether only the envelope is left.
    pub(super) fn is_removed(&self, position: Position) -> bool {
        self.removed.contains(&position)
    }

    /// A message, if it is not removed.
    pub(super) fn left(&self, message: &StoredMessage) -> Result<StoredMessage, BackendError> {
        if self.is_removed(message.position) {
            return Err(BackendError::Removed {
                stream: message.stream_id.clone(),
                upto: message.seq,
            });
        }
        Ok(message.clone())
    }

    /// How many streams there are.
    pub(super) fn n_streams(&self) -> usize {
        self.streams.len()
    }

    /// The positions of a stream by seq.
    pub(super) fn positions(&self, stream: &StreamId) -> &[Position] {
        let stream = self.streams.get(stream);
        stream.map_or(&[], |stream| &stream.positions)
    }

    /// All messages after this position, the removed ones included.
    pub(super) fn after(&self, position: Position) -> &[StoredMessage] {
        self.messages.get(index(position)..).unwrap_or_default()
    }

    /// The first message of the call that its stream already has.
    fn first_already_stored(
        &self,
        appends: &[StreamAppend],
    ) -> Result<Option<MessageId>, AppendError> {
        let mut first = None;
        for append in appends {
            for message in &append.messages {
                let Some(&position) = self.by_id.get(&message.id) else {
                    continue;
                };
                if self.at(position).stream_id != append.stream {
                    return Err(AppendError::IdTaken { id: message.id });
                }
                first = first.or(Some(message.id));
            }
        }
        Ok(first)
    }
}

fn refuse_repetitions(appends: &[StreamAppend]) -> Result<(), AppendError> {
    let streams = appends.iter().map(|append| &append.stream);
    if let Some(stream) = repeated(streams) {
        let text = format!("stream `{stream}` is named twice in one append");
        return Err(BackendError::Refused(text.into()).into());
    }
    let messages = appends.iter().flat_map(|append| &append.messages);
    match repeated(messages.map(|message| message.id)) {
        Some(id) => Err(AppendError::IdTaken { id }),
        None => Ok(()),
    }
}

fn repeated<T: Ord + Clone>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    let twins = all.windows(2).find(|two| two[0] == two[1]);
    twins.map(|two| two[0].clone())
}

/// Checks what is not stored yet, in the company of what is.
fn check_new(
    append: &StreamAppend,
    stream: Option<&Stream>,
    stored: Option<MessageId>,
) -> Result<(), AppendError> {
    match stored {
        // Another message of the same call was stored by an earlier one: this is no plain retry.
        Some(id) if append.expected != ExpectedSeq::Any => Err(AppendError::IdTaken { id }),
        _ => check_expected(append, stream),
    }
}

fn check_expected(append: &StreamAppend, stream: Option<&Stream>) -> Result<(), AppendError> {
    let last_seq = stream.and_then(Stream::last_seq);
    let last = stream.and_then(|stream| stream.last_event);
    let last_event = last.map(|event| event.seq);
    let (is_right, actual) = match append.expected {
        ExpectedSeq::Any => return Ok(()),
        ExpectedSeq::NoStream => (last_seq.is_none(), last_seq),
        ExpectedSeq::Exactly(seq) => (last_seq == Some(seq), last_seq),
        // `None` is before every seq.
        ExpectedSeq::NoEventAfter(seq) => (last_event <= seq, last_event),
        ExpectedSeq::LastEvent(event) => (last == Some(event), last_event),
    };
    if is_right {
        return Ok(());
    }
    Err(AppendError::Conflict {
        stream: append.stream.clone(),
        expected: append.expected,
        actual,
    })
}

pub(super) fn index(position: Position) -> usize {
    usize::try_from(position.get()).unwrap_or(usize::MAX)
}
