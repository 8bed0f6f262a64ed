//! What appends lead to, worked out in memory before anything is written.
//!
//! There is no other writer, so what was looked up stays true until it is written.

use std::collections::HashMap;

use sourced::backend::{AppendError, Appended, BackendError, StreamAppend};
use sourced::message::{Kind, MessageId, NewMessage};
use sourced::{ExpectedSeq, Position, Seq, StreamId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error;
use crate::row;

/// What is known of the log, and what is to be added to it.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    end: u64,
    last_stream_id: i64,
    streams: HashMap<String, Stream>,
    /// With the names of their streams.
    stored: HashMap<MessageId, (String, Appended)>,
    messages: Vec<New<'a>>,
}

/// What is known of a stream.
#[derive(Default)]
struct Stream {
    /// 0 for one that is not stored yet.
    id: i64,
    last_seq: u64,
    last_event_seq: u64,
    is_changed: bool,
}

/// A message to be stored, and its place.
pub(crate) struct New<'a> {
    pub(crate) position: u64,
    pub(crate) stream_id: i64,
    pub(crate) seq: u64,
    pub(crate) message: &'a NewMessage,
}

impl<'a> Draft<'a> {
    /// Takes in what `look_up` has found.
    pub(crate) fn of(rows: &[SqliteRow]) -> Result<Self, BackendError> {
        let mut draft = Self::default();
        for row in rows {
            let (a, b, c) = (
                row::unsigned(row, 0)?,
                row::unsigned(row, 1)?,
                row::unsigned(row, 2)?,
            );
            let Some(name) = row::optional_text(row, 3)? else {
                (draft.last_stream_id, draft.end) = (row::signed(a), b);
                continue;
            };
            let name = name.to_owned();
            match row.try_get::<Option<&[u8]>, _>(4).map_err(error::backend)? {
                Some(_) => {
                    let id = MessageId::from_uuid(row::uuid(row, 4)?);
                    let (seq, position) = (seq(a)?, Position::new(b));
                    let appended = Appended {
                        id,
                        seq,
                        position,
                        already_stored: true,
                    };
                    draft.stored.insert(id, (name, appended));
                }
                None => {
                    let stream = Stream {
                        id: row::signed(a),
                        last_seq: b,
                        last_event_seq: c,
                        is_changed: false,
                    };
                    draft.streams.insert(name, stream);
                }
            }
        }
        Ok(draft)
    }

    /// Adds one call's appends, or nothing of them.
    pub(crate) fn add(
        &mut self,
        appends: &'a [StreamAppend],
    ) -> Result<Vec<Appended>, AppendError> {
        self.check(appends)?;
        let mut places =
            Vec::with_capacity(appends.iter().map(|append| append.messages.len()).sum());
        for append in appends {
            for message in &append.messages {
                places.push(match self.stored.get(&message.id) {
                    Some((_, first)) => first.clone(),
                    None => self.place(&append.stream, message)?,
                });
            }
        }
        Ok(places)
    }

    /// Adds what can be added of many calls, in their order.
    pub(crate) fn add_all(
        &mut self,
        calls: &[&'a [StreamAppend]],
    ) -> Vec<Result<Vec<Appended>, AppendError>> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for (nth, appends) in calls.iter().enumerate() {
            let outcome = self.add(appends);
            if let Ok(places) = &outcome
                && nth + 1 < calls.len()
            {
                self.remember(appends, places);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// Lets later calls know what an earlier one has added.
    fn remember(&mut self, appends: &[StreamAppend], places: &[Appended]) {
        let streams = appends
            .iter()
            .flat_map(|append| append.messages.iter().map(|_| &append.stream));
        for (stream, place) in streams.zip(places) {
            let stored = Appended {
                already_stored: true,
                ..place.clone()
            };
            self.stored
                .insert(place.id, (stream.as_str().to_owned(), stored));
        }
    }

    /// What is to be stored.
    pub(crate) fn messages(&self) -> &[New<'a>] {
        &self.messages
    }

    /// Streams that go on, each with its id, name, last seq and that of its last event.
    pub(crate) fn changed_streams(&self) -> Vec<(i64, &str, u64, u64)> {
        let changed = self.streams.iter().filter(|(_, stream)| stream.is_changed);
        changed
            .map(|(name, stream)| {
                (
                    stream.id,
                    name.as_str(),
                    stream.last_seq,
                    stream.last_event_seq,
                )
            })
            .collect()
    }

    fn check(&self, appends: &[StreamAppend]) -> Result<(), AppendError> {
        let first_stored = self.first_stored(appends)?;
        let is_stored = |message: &NewMessage| self.stored.contains_key(&message.id);
        let mut messages = appends.iter().flat_map(|append| &append.messages);
        let is_retry = first_stored.is_some() && messages.all(is_stored);
        for append in appends {
            let is_guard = append.messages.is_empty() && append.expected != ExpectedSeq::Any;
            if append.messages.iter().all(is_stored) && (is_retry || !is_guard) {
                continue;
            }
            // Another message of the same call was stored by an earlier one: this is no plain retry.
            if let Some(id) = first_stored
                && append.expected != ExpectedSeq::Any
            {
                return Err(AppendError::IdTaken { id });
            }
            check_expected(append, self.streams.get(append.stream.as_str()))?;
        }
        Ok(())
    }

    /// The first message of the call that its stream already has.
    fn first_stored(&self, appends: &[StreamAppend]) -> Result<Option<MessageId>, AppendError> {
        let mut first = None;
        for append in appends {
            for message in &append.messages {
                let Some((stream, _)) = self.stored.get(&message.id) else {
                    continue;
                };
                if stream != append.stream.as_str() {
                    return Err(AppendError::IdTaken { id: message.id });
                }
                first = first.or(Some(message.id));
            }
        }
        Ok(first)
    }

    fn place(
        &mut self,
        name: &StreamId,
        message: &'a NewMessage,
    ) -> Result<Appended, BackendError> {
        if !self.streams.contains_key(name.as_str()) {
            self.streams
                .insert(name.as_str().to_owned(), Stream::default());
        }
        let gone = || BackendError::Corrupt("a stream that is not there".to_owned());
        let stream = self.streams.get_mut(name.as_str()).ok_or_else(gone)?;
        if stream.id == 0 {
            self.last_stream_id += 1;
            stream.id = self.last_stream_id;
        }
        self.end += 1;
        stream.last_seq += 1;
        if message.kind == Kind::Event {
            stream.last_event_seq = stream.last_seq;
        }
        stream.is_changed = true;
        self.messages.push(New {
            position: self.end,
            stream_id: stream.id,
            seq: stream.last_seq,
            message,
        });
        Ok(Appended {
            id: message.id,
            seq: seq(stream.last_seq)?,
            position: Position::new(self.end),
            already_stored: false,
        })
    }
}

fn check_expected(append: &StreamAppend, stream: Option<&Stream>) -> Result<(), AppendError> {
    let last_seq = stream.and_then(|stream| Seq::new(stream.last_seq));
    let last_event = stream.and_then(|stream| Seq::new(stream.last_event_seq));
    let (is_right, actual) = match append.expected {
        ExpectedSeq::Any => return Ok(()),
        ExpectedSeq::NoStream => (last_seq.is_none(), last_seq),
        ExpectedSeq::Exactly(seq) => (last_seq == Some(seq), last_seq),
        // `None` is before every seq.
        ExpectedSeq::NoEventAfter(seq) => (last_event <= seq, last_event),
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

fn seq(number: u64) -> Result<Seq, BackendError> {
    Seq::new(number).ok_or_else(|| BackendError::Corrupt("a seq of 0".to_owned()))
}
