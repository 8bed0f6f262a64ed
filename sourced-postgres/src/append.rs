//! Appends on their way to the database: checked, and turned into arrays for one round trip.

use std::collections::{HashMap, HashSet};

use sourced::backend::{AppendError, Appended, BackendError, Limits, Scheduled, StreamAppend};
use sourced::message::MessageId;
use sourced::{ExpectedSeq, Kind, Position, Seq, StreamId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Uuid;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{Postgres, Row as _};

use crate::backend::Attempt;
use crate::error::SqlError;
use crate::row::{clamped, kind_name};

/// Where messages are stored.
pub(crate) type Stored = HashMap<MessageId, (StreamId, Appended)>;

/// Appends that are worth sending: within the limits, without those that neither store nor expect anything, every id
/// once.
#[derive(Debug, Clone)]
pub(crate) struct Appends(Vec<StreamAppend>);

impl Appends {
    pub(crate) fn checked(
        mut appends: Vec<StreamAppend>,
        later: &[Scheduled],
        limits: &Limits,
    ) -> Result<Self, AppendError> {
        limits.check_all(&appends, later)?;
        let mut streams = HashSet::new();
        if let Some(twice) = appends
            .iter()
            .find(|append| !streams.insert(&append.stream))
        {
            let text = format!("stream `{}` is named twice in one append", twice.stream);
            return Err(BackendError::Refused(text.into()).into());
        }
        appends.retain(|append| !append.messages.is_empty() || append.expected != ExpectedSeq::Any);
        let mut seen = HashSet::new();
        let now = appends.iter().flat_map(|append| &append.messages);
        let all = now.chain(later.iter().map(|scheduled| &scheduled.message));
        for message in all {
            if !seen.insert(message.id) {
                return Err(AppendError::IdTaken { id: message.id });
            }
        }
        Ok(Self(appends))
    }

    /// What was checked when it was scheduled: every stream and every id once.
    pub(crate) fn promoted(appends: Vec<StreamAppend>) -> Self {
        Self(appends)
    }

    /// Several, one after the other. They may name a stream again, as appends that are made one by one may.
    pub(crate) fn all<'a>(several: impl Iterator<Item = &'a Self>) -> Self {
        Self(several.flat_map(|appends| appends.0.clone()).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        let messages = self.0.iter().flat_map(|append| &append.messages);
        messages.map(|message| message.id.as_uuid()).collect()
    }

    /// What is left to append when these are stored.
    pub(crate) fn without(&self, stored: &Stored) -> Result<Self, AppendError> {
        if stored.is_empty() {
            return Ok(self.clone());
        }
        let mut rest = Vec::new();
        for append in &self.0 {
            let elsewhere = append.messages.iter().find(|message| {
                let place = stored.get(&message.id);
                place.is_some_and(|(stream, _)| *stream != append.stream)
            });
            if let Some(message) = elsewhere {
                return Err(AppendError::IdTaken { id: message.id });
            }
            let is_guard = append.messages.is_empty();
            let mut append = append.clone();
            append
                .messages
                .retain(|message| !stored.contains_key(&message.id));
            if is_guard || !append.messages.is_empty() {
                rest.push(append);
            }
        }
        if rest.iter().all(|append| append.messages.is_empty()) {
            // The guards held when all this was stored.
            return Ok(Self(Vec::new()));
        }
        // An append that expects something belongs together: a part of it may not be added later.
        if rest
            .iter()
            .any(|append| append.expected != ExpectedSeq::Any)
        {
            let taken = self.0.iter().flat_map(|append| &append.messages);
            let taken = taken
                .map(|message| message.id)
                .find(|id| stored.contains_key(id));
            return Err(match taken {
                Some(id) => AppendError::IdTaken { id },
                None => BackendError::Corrupt("ids nobody asked for".to_owned()).into(),
            });
        }
        Ok(Self(rest))
    }

    /// The places of all messages, in the order they were given.
    pub(crate) fn placed(&self, stored: &Stored) -> Result<Vec<Appended>, AppendError> {
        let messages = self.0.iter().flat_map(|append| &append.messages);
        messages
            .map(|message| match stored.get(&message.id) {
                Some((_, place)) => Ok(place.clone()),
                None => Err(BackendError::Corrupt("an append without a place".to_owned()).into()),
            })
            .collect()
    }

    /// Reads what the `append` function of the database gave.
    pub(crate) fn read_places(&self, row: &PgRow) -> Attempt<Stored> {
        let bases: Vec<i64> = row.try_get("bases")?;
        let positions: Vec<i64> = row.try_get("positions")?;
        let arrays = self.arrays();
        let mut stored = Stored::new();
        let messages = self.0.iter().flat_map(|append| {
            append
                .messages
                .iter()
                .map(|message| (&append.stream, message.id))
        });
        for (i, (stream, id)) in messages.enumerate() {
            let base = usize::try_from(arrays.m_stream[i] - 1)
                .ok()
                .and_then(|nth| bases.get(nth));
            let seq = base.and_then(|base| {
                u64::try_from(base + arrays.m_nth[i])
                    .ok()
                    .and_then(Seq::new)
            });
            let position = positions
                .get(i)
                .and_then(|position| u64::try_from(*position).ok());
            let (Some(seq), Some(position)) = (seq, position) else {
                return Err(SqlError::corrupt("an append without a place"));
            };
            let place = Appended {
                id,
                seq,
                position: Position::new(position),
                already_stored: false,
            };
            stored.insert(id, (stream.clone(), place));
        }
        Ok(stored)
    }

    /// Says what went wrong in the words of the port.
    pub(crate) fn error(&self, error: SqlError) -> AppendError {
        if let Some(id) = error.taken() {
            return AppendError::IdTaken { id: id.into() };
        }
        let Some(detail) = error.conflict() else {
            return AppendError::Backend(error.into());
        };
        let mut numbers = detail.split(' ').map(str::parse::<u64>);
        let (Some(Ok(ordinal)), Some(Ok(actual))) = (numbers.next(), numbers.next()) else {
            return BackendError::Corrupt("a conflict without its numbers".to_owned()).into();
        };
        let append = usize::try_from(ordinal)
            .ok()
            .and_then(|ordinal| self.by_name().into_iter().nth(ordinal.checked_sub(1)?));
        match append {
            Some(append) => AppendError::Conflict {
                stream: append.stream.clone(),
                expected: append.expected,
                actual: Seq::new(actual),
            },
            None => BackendError::Corrupt("a conflict in an unknown stream".to_owned()).into(),
        }
    }

    /// The arrays that the database's functions take.
    pub(crate) fn arrays(&self) -> Arrays<'_> {
        let mut arrays = Arrays::default();
        let by_name = self.by_name();
        for append in &by_name {
            let (mode, seq) = match append.expected {
                ExpectedSeq::Any => (0, 0),
                ExpectedSeq::NoStream => (1, 0),
                ExpectedSeq::Exactly(seq) => (1, clamped(seq.get())),
                ExpectedSeq::NoEventAfter(seq) => (2, seq.map_or(0, |seq| clamped(seq.get()))),
            };
            let last_event = append
                .messages
                .iter()
                .rposition(|message| message.kind == Kind::Event);
            arrays.streams.push(append.stream.as_str());
            arrays.modes.push(mode);
            arrays.seqs.push(seq);
            arrays.counts.push(clamped(append.messages.len()));
            arrays
                .last_events
                .push(last_event.map_or(0, |i| clamped(i + 1)));
        }
        for append in &self.0 {
            let ordinal = by_name
                .iter()
                .position(|other| std::ptr::eq(*other, append));
            let ordinal = ordinal.map_or(0, |i| i32::try_from(i + 1).unwrap_or(i32::MAX));
            for (nth, message) in (1..).zip(&append.messages) {
                arrays.m_stream.push(ordinal);
                arrays.m_nth.push(nth);
                arrays.m_id.push(message.id.as_uuid());
                arrays.m_kind.push(kind_name(message.kind));
                arrays.m_type.push(message.type_name.as_str());
                arrays.m_causation.push(message.causation_id.as_uuid());
                arrays.m_correlation.push(message.correlation_id.as_uuid());
                arrays.m_created.push(message.created_at.into());
                arrays
                    .m_decided
                    .push(message.decided_by.as_ref().map(AsRef::as_ref));
                let metadata = &message.metadata;
                // Its values are JSON already, so that writing them cannot fail.
                let metadata = (!metadata.is_empty()).then(|| serde_json::to_string(metadata).ok());
                arrays.m_metadata.push(metadata.flatten());
                arrays.m_payload.push(message.payload.as_str());
            }
        }
        arrays
    }

    /// In the order in which the streams are locked, the same for all writers, so that they cannot block each other.
    fn by_name(&self) -> Vec<&StreamAppend> {
        let mut appends: Vec<_> = self.0.iter().collect();
        appends.sort_by(|a, b| a.stream.cmp(&b.stream));
        appends
    }
}

/// Appends as arrays: one entry per stream, in the order of names, then one per message, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Arrays<'a> {
    streams: Vec<&'a str>,
    modes: Vec<i32>,
    seqs: Vec<i64>,
    counts: Vec<i64>,
    last_events: Vec<i64>,
    m_stream: Vec<i32>,
    m_nth: Vec<i64>,
    m_id: Vec<Uuid>,
    m_kind: Vec<&'a str>,
    m_type: Vec<&'a str>,
    m_causation: Vec<Uuid>,
    m_correlation: Vec<Uuid>,
    m_created: Vec<DateTime<Utc>>,
    m_decided: Vec<Option<&'a str>>,
    m_metadata: Vec<Option<String>>,
    m_payload: Vec<&'a str>,
}

impl<'q> Arrays<'q> {
    /// Binds them as the next sixteen parameters.
    pub(crate) fn bind<'s>(
        &'s self,
        query: Query<'s, Postgres, PgArguments>,
    ) -> Query<'s, Postgres, PgArguments>
    where
        'q: 's,
    {
        query
            .bind(&self.streams[..])
            .bind(&self.modes[..])
            .bind(&self.seqs[..])
            .bind(&self.counts[..])
            .bind(&self.last_events[..])
            .bind(&self.m_stream[..])
            .bind(&self.m_nth[..])
            .bind(&self.m_id[..])
            .bind(&self.m_kind[..])
            .bind(&self.m_type[..])
            .bind(&self.m_causation[..])
            .bind(&self.m_correlation[..])
            .bind(&self.m_created[..])
            .bind(&self.m_decided[..])
            .bind(&self.m_metadata[..])
            .bind(&self.m_payload[..])
    }
}
