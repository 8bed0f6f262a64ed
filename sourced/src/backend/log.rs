//! The log: reading it, stream by stream or as a whole.

use std::fmt;

use async_trait::async_trait;

use super::{BackendError, Selection, Source};
use crate::message::{CorrelationId, Kind, MessageId, StoredMessage};
use crate::stream::{Position, Seq, StreamId};
use crate::time::Timestamp;

/// The log of messages, for reading.
///
/// What it costs, where *looked at* is what the storage reads, found or not:
///
/// | what is read | a page looks at |
/// |---|---|
/// | a stream | the messages it gives, and those of the other kind between them |
/// | everything | the messages it gives |
/// | types, kinds, times, metadata, prefixes of streams | at most [`ReadLog::LOOK`] positions, found or not |
/// | chosen streams | messages of these streams, until it is full |
/// | a conversation | all messages of the conversation |
///
/// There is no index on types or times: it would be paid for with every append, and a look at 10,000 messages takes
/// milliseconds.
#[async_trait]
pub trait Log: fmt::Debug + Send + Sync + 'static {
    /// Reads a part of one stream, in the order of its seqs or backwards. A stream nobody wrote to is empty.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer, or holds something it cannot have written.
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError>;

    /// Reads a page of the log, in the order of positions or backwards.
    ///
    /// *never-skipped*: only what comes before the first position whose writer has not committed yet is looked at. So
    /// whoever goes on where a page has ended misses nothing, however late that writer commits, and backwards comes the
    /// reverse of what comes forwards. What is stored above such a position is in its stream, and not here yet.
    ///
    /// A page ends before a message that cannot be read.
    ///
    /// # Errors
    /// As [`Log::read_stream`]; [`BackendError::Unreadable`] when the first message of the page cannot be read.
    async fn read_log(&self, read: &ReadLog) -> Result<Page, BackendError>;

    /// How many messages there are, the first and the last position, the earliest and the latest time, of all that
    /// [`Log::read_log`] would give. It looks at all that pages would look at together.
    ///
    /// # Errors
    /// As [`Log::read_stream`].
    async fn summary(&self, selection: &Selection) -> Result<Summary, BackendError>;

    /// The last position that [`Log::read_log`] would give now; [`Position::START`] when the log is empty.
    ///
    /// # Errors
    /// As [`Log::read_stream`].
    async fn log_end(&self) -> Result<Position, BackendError>;

    /// Finds a message by its id.
    ///
    /// # Errors
    /// As [`Log::read_stream`].
    async fn find(&self, id: MessageId) -> Result<Option<StoredMessage>, BackendError>;

    /// Reads all messages of one conversation, over all streams, in the order of positions.
    ///
    /// It gives what is stored now, whoever else has not committed yet: the results of a command are there as soon as it
    /// is decided. Whoever wants to go on later reads a [`Selection::correlation`].
    ///
    /// # Errors
    /// As [`Log::read_stream`].
    async fn read_correlation(&self, id: CorrelationId)
    -> Result<Vec<StoredMessage>, BackendError>;

    /// How often this process has noticed that the log is not the one that it knew: it was set back, or another database is
    /// in its place. Whoever keeps what was made of the log drops it when this has gone up.
    ///
    /// - *history-goes-on*: it has gone up before anything is read of a log that was set back, as far as a backend can tell.
    ///   Where it cannot, a decision is still made on what is there: see
    ///   [`ExpectedSeq::LastEvent`](super::ExpectedSeq::LastEvent).
    fn setbacks(&self) -> u64 {
        0
    }
}

/// In which order to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The oldest first.
    #[default]
    Forwards,
    /// The newest first.
    Backwards,
}

/// Which part of a stream to read.
///
/// ```
/// use sourced::backend::ReadStream;
/// use sourced::{Kind, Seq, StreamId};
///
/// let events = ReadStream::all(StreamId::new("cart-1")?).only(Kind::Event).after(Seq::new(10)).limit(100);
/// assert_eq!(events.limit, Some(100));
/// let last_five = ReadStream::all(StreamId::new("cart-1")?).backwards().limit(5);
/// # Ok::<(), sourced::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStream {
    /// The stream.
    pub stream: StreamId,
    /// Only what comes after this seq; `None` is from the start.
    pub after: Option<Seq>,
    /// Only what comes up to this seq, itself included; `None` is to the end.
    pub upto: Option<Seq>,
    /// Only commands, or only events.
    pub kind: Option<Kind>,
    /// At most so many messages, those that come first in this direction.
    pub limit: Option<usize>,
    /// Which end comes first.
    pub direction: Direction,
}

impl ReadStream {
    /// The whole stream.
    pub fn all(stream: StreamId) -> Self {
        Self {
            stream,
            after: None,
            upto: None,
            kind: None,
            limit: None,
            direction: Direction::Forwards,
        }
    }

    /// Only what comes after this seq.
    #[must_use]
    pub fn after(mut self, seq: Option<Seq>) -> Self {
        self.after = seq;
        self
    }

    /// Only what comes up to this seq, itself included.
    #[must_use]
    pub fn upto(mut self, seq: Option<Seq>) -> Self {
        self.upto = seq;
        self
    }

    /// Only commands, or only events.
    #[must_use]
    pub fn only(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// At most so many messages.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The newest first: with a limit, the last ones.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.direction = Direction::Backwards;
        self
    }
}

/// Which page of the log to read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadLog {
    /// What is meant.
    pub selection: Selection,
    /// Which end comes first.
    pub direction: Direction,
    /// At most so many messages, at least 1.
    limit: usize,
}

impl ReadLog {
    /// At so many positions a page looks for what is meant, where no stream and no conversation says where it is. It
    /// looks at more where more messages are asked for.
    pub const LOOK: usize = 10_000;

    /// The first page, of at most 1,000 messages.
    pub fn new(selection: Selection) -> Self {
        Self {
            selection,
            direction: Direction::Forwards,
            limit: 1_000,
        }
    }

    /// The newest first.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.direction = Direction::Backwards;
        self
    }

    /// At most so many messages, but at least 1.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.max(1);
        self
    }

    /// How many messages at most.
    pub fn most(&self) -> usize {
        self.limit
    }

    /// The page after this one.
    #[must_use]
    pub fn beyond(mut self, page: &Page) -> Self {
        self.selection = match self.direction {
            Direction::Forwards => self.selection.after(page.looked_to),
            Direction::Backwards => self.selection.before(page.looked_to),
        };
        self
    }

    /// The part of the log that the page looks at, when it is decided up to `end`. For backends.
    pub fn stretch(&self, end: Position) -> Stretch {
        let first = self.selection.after.get();
        let last = self.selection.upto.map_or(u64::MAX, Position::get);
        let last = last.min(end.get()).max(first);
        let look = match self.selection.source() {
            Source::Log => self.limit.max(Self::LOOK) as u64,
            Source::Streams(_) | Source::Conversation(_) => u64::MAX,
        };
        let (after, upto) = match self.direction {
            Direction::Forwards => (first, last.min(first.saturating_add(look))),
            Direction::Backwards => (first.max(last.saturating_sub(look)), last),
        };
        Stretch {
            after: Position::new(after),
            upto: Position::new(upto),
            is_last: (after, upto) == (first, last),
        }
    }

    /// The page, of what was found in that part: in order, and no more than the limit. It may contain messages whose
    /// metadata only looks like what is meant. For backends.
    ///
    /// # Errors
    /// That of the first message when it cannot be read. Before another one such the page ends.
    pub fn page(
        &self,
        stretch: Stretch,
        found: impl IntoIterator<Item = Result<StoredMessage, BackendError>>,
    ) -> Result<Page, BackendError> {
        let mut messages = Vec::new();
        let mut is_cut = false;
        for next in found {
            match next {
                Err(BackendError::Unreadable { .. }) if !messages.is_empty() => {
                    is_cut = true;
                    break;
                }
                next => messages.push(next?),
            }
        }
        let ends_early = is_cut || messages.len() >= self.limit;
        let last = messages.last().map(|message| message.position);
        let looked_to = match (last.filter(|_| ends_early), self.direction) {
            (Some(last), _) => last,
            (None, Direction::Forwards) => stretch.upto,
            (None, Direction::Backwards) => stretch.after.next(),
        };
        if !self.selection.metadata.is_empty() {
            messages.retain(|message| self.selection.contains(message));
        }
        Ok(Page {
            messages,
            looked_to,
            is_last: stretch.is_last && !ends_early,
        })
    }
}

/// A part of the log, between two positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// It begins after this position.
    pub after: Position,
    /// It ends with this position.
    pub upto: Position,
    /// Whether nothing that is meant is beyond it.
    is_last: bool,
}

impl Stretch {
    /// Everything between two positions.
    pub fn between(after: Position, upto: Position) -> Self {
        Self {
            after,
            upto,
            is_last: true,
        }
    }
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// What was found, in the order asked for. It may be less than the limit, and nothing at all, on any page: how far a
    /// page looks is bounded.
    pub messages: Vec<StoredMessage>,
    /// How far was looked. Forwards the next page begins [after](Selection::after) this position, backwards
    /// [before](Selection::before) it.
    pub looked_to: Position,
    /// Whether this was all there is now. Forwards more may come.
    pub is_last: bool,
}

/// Figures about a selection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many messages there are.
    pub count: u64,
    /// Where and when they are; `None` when there are none.
    pub extent: Option<Extent>,
}

/// Where and when the messages of a selection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The lowest position.
    pub first: Position,
    /// The highest position.
    pub last: Position,
    /// The earliest time at which one of them was made, which need not be the first one.
    pub earliest: Timestamp,
    /// The latest time at which one of them was made, which need not be the last one.
    pub latest: Timestamp,
}

impl Summary {
    /// Counts one more, which comes after those counted so far.
    pub fn add(&mut self, message: &StoredMessage) {
        let (position, time) = (message.position, message.created_at);
        let extent = self.extent.get_or_insert(Extent {
            first: position,
            last: position,
            earliest: time,
            latest: time,
        });
        extent.last = position;
        extent.earliest = extent.earliest.min(time);
        extent.latest = extent.latest.max(time);
        self.count += 1;
    }

    /// Reads all that is meant, page by page: for backends, where the storage cannot tell by itself what is meant.
    ///
    /// # Errors
    /// As [`Log::read_log`].
    pub async fn by_reading(
        log: &(impl Log + ?Sized),
        selection: &Selection,
    ) -> Result<Self, BackendError> {
        let mut summary = Self::default();
        let mut read = ReadLog::new(selection.clone());
        loop {
            let page = log.read_log(&read).await?;
            for message in &page.messages {
                summary.add(message);
            }
            if page.is_last {
                return Ok(summary);
            }
            read = read.beyond(&page);
        }
    }
}
