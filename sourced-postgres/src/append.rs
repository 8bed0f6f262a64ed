//! Appends on their way to the database: checked, and turned into arrays for one round trip.

use std::collections::HashMap;

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
        if let Some(twice) = twice(appends.iter().map(|append| &append.stream)) {
            let text = format!("stream `{twice}` is named twice in one append");
            return Err(BackendError::Refused(text.into()).into());
        }
        appends.retain(|append| !append.messages.is_empty() || append.expected != ExpectedSeq::Any);
        let now = appends.iter().flat_map(|append| &append.messages);
        let all = now.chain(later.iter().map(|scheduled| &scheduled.message));
        match twice(all.map(|message| message.id)) {
            Some(id) => Err(AppendError::IdTaken { id }),
            None => Ok(Self(appends)),
        }
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

    /// The append to this stream, and where it stands among all.
    pub(crate) fn to(&self, stream: &StreamId) -> Option<(usize, &StreamAppend)> {
        let mut appends = self.0.iter().enumerate();
        appends.find(|(_, append)| append.stream == *stream)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
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

    /// Reads what the `append` function of the database gave, in the order of the messages.
    pub(crate) fn read_appended(&self, row: &PgRow) -> Attempt<Vec<Appended>> {
        let bases: Vec<i64> = row.try_get("bases")?;
        let positions: Vec<i64> = row.try_get("positions")?;
        let mut positions = positions.into_iter();
        let mut appended = Vec::with_capacity(positions.len());
        for (append, ordinal) in self.0.iter().zip(self.ordinals()) {
            let base = bases
                .get(ordinal)
                .ok_or_else(|| SqlError::corrupt("an append without a place"))?;
            read_places(append, *base, &mut positions, &mut appended)?;
        }
        Ok(appended)
    }

    /// The same, to be found by the ids.
    pub(crate) fn read_places(&self, row: &PgRow) -> Attempt<Stored> {
        let streams = self
            .0
            .iter()
            .flat_map(|append| append.messages.iter().map(|_| &append.stream));
        let places = self.read_appended(row)?.into_iter().zip(streams);
        Ok(places
            .map(|(place, stream)| (place.id, (stream.clone(), place)))
            .collect())
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
        for append in self.by_name() {
            arrays.push_stream(append);
        }
        for (append, ordinal) in self.0.iter().zip(self.ordinals()) {
            arrays.push_messages(ordinal, append);
        }
        arrays
    }

    /// In the order in which the streams are locked, the same for all writers, so that they cannot block each other.
    fn by_name(&self) -> Vec<&StreamAppend> {
        let mut appends: Vec<_> = self.0.iter().collect();
        appends.sort_by(|a, b| a.stream.cmp(&b.stream));
        appends
    }

    /// Where each append stands in the order of names.
    pub(crate) fn ordinals(&self) -> Vec<usize> {
        let mut by_name: Vec<usize> = (0..self.0.len()).collect();
        by_name.sort_by(|a, b| self.0[*a].stream.cmp(&self.0[*b].stream));
        let mut ordinals = vec![0; by_name.len()];
        for (ordinal, nth) in by_name.into_iter().enumerate() {
            ordinals[nth] = ordinal;
        }
        ordinals
    }

    /// The append, when it is one to a single stream, and small: others gain nothing from being stored with those of
    /// other writers.
    pub(crate) fn as_small(&self) -> Option<&StreamAppend> {
        const MESSAGES: usize = 100;
        const BYTES: usize = 64 * 1024;
        let [append] = &self.0[..] else {
            return None;
        };
        let n_messages = append.messages.len();
        let payloads = append.messages.iter().map(|message| &message.payload);
        let is_small = (1..=MESSAGES).contains(&n_messages)
            && payloads
                .map(|payload| payload.as_str().len())
                .sum::<usize>()
                <= BYTES;
        is_small.then_some(append)
    }
}

/// What is there more than once. Sorting is quicker than hashing here: new ids come in their order.
fn twice<T: Ord + Copy>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut sorted: Vec<T> = all.collect();
    sorted.sort_unstable();
    let mut pairs = sorted
        .windows(2)
        .filter_map(|pair| <[T; 2]>::try_from(pair).ok());
    pairs.find_map(|[one, next]| (one == next).then_some(one))
}

/// Reads the places of the messages of one append: after the seq `base`, at the next of the positions.
pub(crate) fn read_places(
    append: &StreamAppend,
    base: i64,
    positions: &mut impl Iterator<Item = i64>,
    appended: &mut Vec<Appended>,
) -> Attempt<()> {
    for (seq, message) in (base + 1..).zip(&append.messages) {
        let seq = u64::try_from(seq).ok().and_then(Seq::new);
        let position = positions.next().and_then(|next| u64::try_from(next).ok());
        let (Some(seq), Some(position)) = (seq, position) else {
            return Err(SqlError::corrupt("an append without a place"));
        };
        appended.push(Appended {
            id: message.id,
            seq,
            position: Position::new(position),
            already_stored: false,
        });
    }
    Ok(())
}

/// Appends as arrays: one entry per stream, in the order of names, then one per message, in the order they were given.
#[derive(Debug, Default)]
pub(crate) struct Arrays<'a> {
    streams: Vec<&'a str>,
    modes: Vec<i32>,
    seqs: Vec<i64>,
    ids: Vec<Option<Uuid>>,
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
    pub(crate) fn push_stream(&mut self, append: &'q StreamAppend) {
        let (mode, seq, id) = match append.expected {
            ExpectedSeq::Any => (0, None, None),
            ExpectedSeq::NoStream => (1, None, None),
            ExpectedSeq::Exactly(seq) => (1, Some(seq), None),
            ExpectedSeq::NoEventAfter(seq) => (2, seq, None),
            ExpectedSeq::LastEvent(event) => (3, Some(event.seq), Some(event.id.as_uuid())),
        };
        let last_event = append
            .messages
            .iter()
            .rposition(|message| message.kind == Kind::Event);
        self.streams.push(append.stream.as_str());
        self.modes.push(mode);
        self.seqs.push(seq.map_or(0, |seq| clamped(seq.get())));
        self.ids.push(id);
        self.counts.push(clamped(append.messages.len()));
        self.last_events
            .push(last_event.map_or(0, |i| clamped(i + 1)));
    }

    pub(crate) fn push_messages(&mut self, ordinal: usize, append: &'q StreamAppend) {
        // Arrays of the database begin at 1.
        let ordinal = i32::try_from(ordinal + 1).unwrap_or(i32::MAX);
        for (nth, message) in (1..).zip(&append.messages) {
            self.m_stream.push(ordinal);
            self.m_nth.push(nth);
            self.m_id.push(message.id.as_uuid());
            self.m_kind.push(kind_name(message.kind));
            self.m_type.push(message.type_name.as_str());
            self.m_causation.push(message.causation_id.as_uuid());
            self.m_correlation.push(message.correlation_id.as_uuid());
            self.m_created.push(message.created_at.into());
            self.m_decided
                .push(message.decided_by.as_ref().map(AsRef::as_ref));
            let metadata = &message.metadata;
            // Its values are JSON already, so that writing them cannot fail.
            let metadata = (!metadata.is_empty()).then(|| serde_json::to_string(metadata).ok());
            self.m_metadata.push(metadata.flatten());
            self.m_payload.push(message.payload.as_str());
        }
    }

    /// Binds them as the next seventeen parameters.
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
            .bind(&self.ids[..])
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
