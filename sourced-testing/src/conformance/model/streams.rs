//! The log and the schedules, as they have to be.

use sourced::backend::LastEvent;
use sourced::{ExpectedSeq, MessageId, Position, Seq};
use uuid::Uuid;

use super::fixed::{LOG, STREAMS};
use super::operation::{Expects, Sort};

/// A stored message.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) id: MessageId,
    pub(super) sort: Sort,
    /// Where the backend put it.
    pub(super) position: Position,
}

/// A message for later.
#[derive(Debug, Clone)]
pub(super) struct Later {
    pub(super) due: u64,
    pub(super) stream: usize,
    pub(super) id: MessageId,
    pub(super) sort: Sort,
}

#[derive(Debug, Default)]
pub(super) struct Streams {
    /// And the whole log, in the order of positions.
    by_stream: [Vec<Stored>; LOG + 1],
    /// In the order of scheduling.
    pub(super) later: Vec<Later>,
}

impl Streams {
    pub(super) fn of(&self, stream: usize) -> &[Stored] {
        &self.by_stream[stream]
    }

    /// All messages, stream by stream, with the number of their stream and their seq.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, Seq, &Stored)> {
        STREAMS.into_iter().flat_map(|stream| {
            let numbered = self.of(stream).iter().zip(1_u64..);
            numbered.filter_map(move |(stored, n)| Some((stream, Seq::new(n)?, stored)))
        })
    }

    pub(super) fn push(&mut self, stream: usize, stored: Stored) {
        let log = &mut self.by_stream[LOG];
        let place = log.partition_point(|before| before.position < stored.position);
        log.insert(place, stored.clone());
        self.by_stream[stream].push(stored);
    }

    fn last(&self, stream: usize) -> Option<Seq> {
        Seq::new(self.of(stream).len() as u64)
    }

    fn last_event(&self, stream: usize) -> Option<Seq> {
        let last = self
            .of(stream)
            .iter()
            .rposition(|stored| stored.sort.is_event())?;
        Seq::new(last as u64 + 1)
    }

    /// An expectation, and whether it is right.
    pub(super) fn expected(&self, stream: usize, expects: Expects) -> (ExpectedSeq, bool) {
        let (last, last_event) = (self.last(stream), self.last_event(stream));
        match expects {
            Expects::Anything => (ExpectedSeq::Any, true),
            Expects::NoStream => (ExpectedSeq::NoStream, last.is_none()),
            Expects::ItsLastSeq => match last {
                Some(last) => (ExpectedSeq::Exactly(last), true),
                None => (ExpectedSeq::NoStream, true),
            },
            Expects::AnOlderSeq => match last.and_then(|last| Seq::new(last.get() - 1)) {
                Some(older) => (ExpectedSeq::Exactly(older), false),
                None => (ExpectedSeq::NoStream, last.is_none()),
            },
            Expects::NoLaterEvent => (ExpectedSeq::NoEventAfter(last_event), true),
            Expects::NoEventAtAll => (ExpectedSeq::NoEventAfter(None), last_event.is_none()),
            Expects::ItsLastEvent => (self.after(stream, last_event), true),
            Expects::AnEventThatIsLost => (self.after(stream, Some(Seq::after(last))), false),
        }
    }

    /// That this is the last event: of its seq, or of one that is not there yet, whose id nobody has.
    fn after(&self, stream: usize, seq: Option<Seq>) -> ExpectedSeq {
        ExpectedSeq::last_event(seq.map(|seq| {
            let mut stored = self.of(stream).iter().zip(1_u64..);
            let there = stored.find(|(_, nth)| *nth == seq.get());
            let id = there.map_or(MessageId::from_uuid(Uuid::nil()), |(stored, _)| stored.id);
            LastEvent { seq, id }
        }))
    }

    /// Takes out the messages whose time has come, in the order in which they are promoted.
    pub(super) fn due(&mut self, now: u64, limit: usize) -> Vec<Later> {
        let mut due: Vec<Later> = self
            .later
            .iter()
            .filter(|later| later.due <= now)
            .cloned()
            .collect();
        // The sort is stable: of the same time, in the order of scheduling.
        due.sort_by_key(|later| later.due);
        due.truncate(limit);
        self.later
            .retain(|later| due.iter().all(|due| due.id != later.id));
        due
    }
}
