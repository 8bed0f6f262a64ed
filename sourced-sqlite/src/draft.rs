//! What is to be stored, worked out in memory before anything is written.
//!
//! There is no other writer, so what was looked up stays true until it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::de::DeserializeOwned;
use sourced::backend::{
    AckError, AppendError, Appended, BackendError, ClaimKey, DocumentWrites, Refusal, StreamAppend,
};
use sourced::message::{Kind, MessageId, NewMessage, Payload};
use sourced::{ExpectedSeq, Position, Seq, StreamId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error;
use crate::row;

/// What a caller wants to be stored, as far as no code has to run for it inside the transaction.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) appends: Vec<StreamAppend>,
    pub(crate) progress: Option<Progress>,
}

/// The end of a claim, and what is stored with it.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) claim: ClaimKey,
    pub(crate) upto: Position,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) documents: DocumentWrites,
}

pub(crate) type Outcome = Result<Vec<Appended>, AckError>;

/// What is known of the storage, and what is to be added to it.
#[derive(Default)]
pub(crate) struct Draft<'a> {
    end: u64,
    last_stream_id: i64,
    streams: HashMap<String, Stream>,
    /// With the names of their streams.
    stored: HashMap<MessageId, (String, Appended)>,
    /// The lanes that are still held, by the claims' places in the list, and whether they are of stretches.
    held: HashMap<usize, (i64, bool)>,
    messages: Vec<New<'a>>,
    progress: Vec<(i64, u64)>,
    stretches: Vec<(i64, u64)>,
    refusals: Vec<&'a Refusal>,
    documents: BTreeMap<&'a (String, String), Option<&'a Payload>>,
}

/// What is known of a stream.
#[derive(Default)]
struct Stream {
    /// 0 for one that is not stored yet.
    id: i64,
    last_seq: u64,
    last_event_seq: u64,
    last_event: Option<MessageId>,
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
    /// Begins with what `look_up` has found.
    pub(crate) fn of(row: &SqliteRow) -> Result<Self, BackendError> {
        let streams: Vec<(String, i64, u64, u64, Option<MessageId>)> = list(row, 2)?;
        let stored: Vec<(MessageId, String, u64, u64)> = list(row, 3)?;
        let held: Vec<(usize, i64, u8)> = list(row, 4)?;
        let mut draft = Self {
            last_stream_id: row.try_get(0).map_err(error::backend)?,
            end: row::unsigned(row, 1)?,
            held: held
                .into_iter()
                .map(|(place, lane, is_stretch)| (place, (lane, is_stretch != 0)))
                .collect(),
            ..Self::default()
        };
        for (name, id, last_seq, last_event_seq, last_event) in streams {
            let stream = Stream {
                id,
                last_seq,
                last_event_seq,
                last_event,
                is_changed: false,
            };
            draft.streams.insert(name, stream);
        }
        for (id, stream, number, position) in stored {
            let (seq, position) = (seq(number)?, Position::new(position));
            let appended = Appended {
                id,
                seq,
                position,
                already_stored: true,
            };
            draft.stored.insert(id, (stream, appended));
        }
        Ok(draft)
    }

    /// Takes the claims at these places of the list for lost, so that nothing of them is added.
    pub(crate) fn leave_out(&mut self, places: &BTreeSet<usize>) {
        self.held.retain(|place, _| !places.contains(place));
    }

    /// Adds what can be added, in this order.
    pub(crate) fn add_all(&mut self, all: &[&'a Plain]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(all.len());
        for (nth, plain) in all.iter().enumerate() {
            let outcome = self.add_plain(nth, plain);
            if let Ok(places) = &outcome
                && nth + 1 < all.len()
            {
                self.remember(&plain.appends, places);
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    fn add_plain(&mut self, nth: usize, plain: &'a Plain) -> Outcome {
        let Some(progress) = &plain.progress else {
            return Ok(self.add(&plain.appends)?);
        };
        let held = self.held.get(&nth).copied();
        // A claim ends once, also when it is shown twice at the same time.
        let ended = || self.progress.iter().chain(&self.stretches);
        let is_ended = |lane: i64| ended().any(|(ended, _)| *ended == lane);
        let Some((lane, is_stretch)) = held.filter(|(lane, _)| !is_ended(*lane)) else {
            let ClaimKey { group, stream, .. } = progress.claim.clone();
            return Err(AckError::Fenced { group, stream });
        };
        let places = self.add(&plain.appends)?;
        let upto = (lane, progress.upto.get());
        if is_stretch {
            self.stretches.push(upto);
        } else {
            self.progress.push(upto);
        }
        self.refusals.extend(&progress.refusals);
        let documents = progress.documents.iter();
        self.documents
            .extend(documents.map(|(place, value)| (place, value.as_ref())));
        Ok(places)
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

    /// Lanes that are acknowledged, and up to which position.
    pub(crate) fn progress(&self) -> &[(i64, u64)] {
        &self.progress
    }

    /// The same of lanes that hold stretches.
    pub(crate) fn stretches(&self) -> &[(i64, u64)] {
        &self.stretches
    }

    pub(crate) fn refusals(&self) -> &[&'a Refusal] {
        &self.refusals
    }

    /// Documents that are written, or deleted where there is no value, by their collections and keys.
    pub(crate) fn documents(&self) -> &BTreeMap<&'a (String, String), Option<&'a Payload>> {
        &self.documents
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
            stream.last_event = Some(message.id);
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
        ExpectedSeq::LastEvent(event) => {
            let id = stream.and_then(|stream| stream.last_event);
            let is_it = last_event == Some(event.seq) && id == Some(event.id);
            (is_it, last_event)
        }
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

fn list<T: DeserializeOwned>(row: &SqliteRow, column: usize) -> Result<Vec<T>, BackendError> {
    let json: &str = row.try_get(column).map_err(error::backend)?;
    serde_json::from_str(json).map_err(|_| BackendError::Corrupt("a name or a number".to_owned()))
}
