//! Feeds: what is meant of the log, message by message.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::Reader;
use crate::backend::{
    BackendError, Direction, HistoryMark, Page, ReadLog, Selection, Signal, Summary,
};
use crate::failure::Failure;
use crate::message::{Message, MessageType, StoredMessage, TypeName};
use crate::stream::Position;

/// How often a feed that waits for more looks without having been told of any.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What is meant of the log: as a stream of messages, page by page, or in figures.
///
/// ```
/// use futures_util::TryStreamExt as _;
/// use sourced::prelude::*;
/// use sourced::Selection;
///
/// #[derive(Debug, Default)]
/// struct Cart;
///
/// #[actor]
/// impl Cart {
///     #[command]
///     fn add(&self, product: String) -> Added {
///         Added { product }
///     }
///
///     #[event]
///     fn added(&mut self, _product: String) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Failure> {
/// let app = App::builder().register::<Cart>().build().await?;
/// for product in ["tea", "cup", "milk"] {
///     app.actor::<Cart>("cart-1").add(product).await?;
/// }
/// let mut newest_first = app.log(Selection::all()).backwards().typed::<Added>().stream();
/// let last = newest_first.try_next().await?.unwrap();
/// assert_eq!(last.payload.product, "milk");
///
/// let added = app.log(Selection::all().of::<Added>());
/// assert_eq!(added.count().await?, 3);
/// assert_eq!(added.first().await?.unwrap().seq.get(), 2); // after its command
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is read until it is asked for"]
pub struct Feed {
    reader: Reader,
    read: ReadLog,
    seen: Seen,
}

impl Feed {
    pub(super) fn new(reader: Reader, selection: Selection) -> Self {
        let seen = Seen::before(selection.after, reader.backend.setbacks());
        let read = ReadLog::new(selection);
        Self { reader, read, seen }
    }

    /// The newest first.
    pub fn backwards(mut self) -> Self {
        self.read = self.read.backwards();
        self
    }

    /// How many messages are asked of the storage at a time, and are in memory; 1,000 by default, at least 1.
    pub fn page_size(mut self, messages: usize) -> Self {
        self.read = self.read.limit(messages);
        self
    }

    /// Only messages that are read as an `M`, under whichever of its names they are stored, and read as such.
    pub fn typed<M: MessageType>(mut self) -> TypedFeed<M> {
        self.read.selection.types = Some(TypeName::all_of::<M>().collect());
        TypedFeed {
            feed: self,
            payload: PhantomData,
        }
    }

    /// All messages there are now, and those that are stored while it is read. It ends with the log, or with an error.
    ///
    /// What comes before a message that cannot be read is given; then [`BackendError::Unreadable`] says where that is. Whoever
    /// means to go on behind it begins [after](Selection::after) its position, backwards [before](Selection::before) it.
    ///
    /// Messages are read in pages, when they are asked for. No connection is held between two pages.
    pub fn stream(self) -> BoxStream<'static, Result<StoredMessage, BackendError>> {
        let pages = stream::try_unfold(Some(self), async |feed| match feed {
            None => Ok(None),
            Some(feed) => {
                let page = feed.next_page().await?;
                let rest = (!page.is_last).then(|| feed.beyond(&page));
                Ok(Some((page, rest)))
            }
        });
        flat(pages.boxed())
    }

    /// All messages there are now, and then each that comes: for ever, or up to the [last position](Selection::upto) that
    /// is meant.
    ///
    /// It looks when the storage tells of something new, and four times a second besides. An error does not end it: who
    /// asks again gets what comes next, after a pause. Backwards it cannot go on, and ends as [`Feed::stream`] does.
    ///
    /// A message that cannot be read is told once and ends it, as [`Feed::stream`] says: nobody passes it over without knowing.
    ///
    /// When it is noticed that the log was set back, it gives [`BackendError::SetBack`] once, and goes on from the last message
    /// that it knows to be still there: what follows may come again, and may be other messages than before.
    ///
    /// Otherwise each message comes once as long as the feed lives. Whoever has to go on after a restart remembers the last
    /// position, and begins [after](Selection::after) it.
    pub fn follow(self) -> BoxStream<'static, Result<StoredMessage, BackendError>> {
        if self.read.direction == Direction::Backwards {
            return self.stream();
        }
        // Taken before the first look, so that nothing stored after it goes unnoticed.
        let signal = self.reader.backend.signal();
        let waiting = (self, signal, Pause::Not);
        let pages = stream::unfold(waiting, async |(mut feed, mut signal, pause)| {
            let Selection { after, upto, .. } = feed.read.selection;
            if upto.is_some_and(|upto| after >= upto) || pause == Pause::ForEver {
                return None;
            }
            feed.pause(&mut signal, pause).await;
            let page = feed.next_page().await;
            let pause = match &page {
                Err(BackendError::SetBack) => match feed.go_back().await {
                    Ok(()) => Pause::Not,
                    Err(_) => Pause::Whole,
                },
                Ok(page) => {
                    feed = feed.beyond(page);
                    if page.is_last {
                        Pause::UntilRaised
                    } else {
                        Pause::Not
                    }
                }
                Err(BackendError::Unreadable { .. }) => Pause::ForEver,
                Err(_) => Pause::Whole,
            };
            Some((page, (feed, signal, pause)))
        });
        flat(pages.boxed())
    }

    /// At most so many messages, and at least 1: the first ones in this direction. It looks until it has found them, or has looked at all
    /// that is meant, or comes to one that cannot be read; to go on, read what is [beyond](ReadLog::beyond) the page.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn page(&self, limit: usize) -> Result<Page, BackendError> {
        let mut read = self.read.clone().limit(limit);
        let mut whole = self.read_page(&read).await?;
        while !whole.is_last && whole.messages.len() < limit {
            read = read.beyond(&whole).limit(limit - whole.messages.len());
            let next = match self.read_page(&read).await {
                // It is told when it comes first.
                Err(BackendError::Unreadable { .. }) if !whole.messages.is_empty() => break,
                next => next?,
            };
            whole.messages.extend(next.messages);
            (whole.looked_to, whole.is_last) = (next.looked_to, next.is_last);
        }
        Ok(whole)
    }

    /// How many messages there are now, the first and the last position, the earliest and the latest time.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn summary(&self) -> Result<Summary, BackendError> {
        self.reader.backend.summary(&self.read.selection).await
    }

    /// How many messages there are now.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn count(&self) -> Result<u64, BackendError> {
        Ok(self.summary().await?.count)
    }

    /// The oldest message.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn first(&self) -> Result<Option<StoredMessage>, BackendError> {
        let forwards = Self::new(self.reader.clone(), self.read.selection.clone());
        Ok(forwards.page(1).await?.messages.pop())
    }

    /// The newest message.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn last(&self) -> Result<Option<StoredMessage>, BackendError> {
        Ok(self.clone().backwards().page(1).await?.messages.pop())
    }

    async fn read_page(&self, read: &ReadLog) -> Result<Page, BackendError> {
        self.reader.backend.read_log(read).await
    }

    /// The next page of the log that was read so far.
    async fn next_page(&self) -> Result<Page, BackendError> {
        let page = self.read_page(&self.read).await;
        if self.reader.backend.setbacks() == self.seen.setbacks {
            page
        } else {
            Err(BackendError::SetBack)
        }
    }

    fn beyond(mut self, page: &Page) -> Self {
        self.read = self.read.beyond(page);
        self.seen.add(page);
        self
    }

    /// Goes back to the last message it has seen that is still there, after the log was set back.
    async fn go_back(&mut self) -> Result<(), BackendError> {
        let backend = &self.reader.backend;
        let setbacks = backend.setbacks();
        let mut after = self.seen.start;
        for mark in self.seen.marks.iter().rev() {
            match backend.find(mark.id).await {
                Ok(Some(found)) if found.position == mark.position => {
                    after = mark.position;
                    break;
                }
                Ok(_) | Err(BackendError::Removed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.seen.marks.retain(|mark| mark.position <= after);
        self.seen.setbacks = setbacks;
        self.read.selection.after = after;
        Ok(())
    }

    async fn pause(&self, signal: &mut Signal, pause: Pause) {
        let time = self.reader.clock.sleep(LOOK_AGAIN);
        match pause {
            Pause::Not | Pause::ForEver => {}
            Pause::Whole => time.await,
            Pause::UntilRaised => tokio::select! {
                () = signal.raised() => {}
                () = time => {}
            },
        }
    }
}

/// What a feed has seen, so that it can go back when the log was.
#[derive(Debug, Clone)]
struct Seen {
    /// Where it began.
    start: Position,
    /// Messages on the way, the newest last. There are more of them the newer they are.
    marks: Vec<HistoryMark>,
    /// How often the log had been set back by then.
    setbacks: u64,
}

impl Seen {
    /// The most marks that are kept.
    const MARKS: usize = 64;

    fn before(start: Position, setbacks: u64) -> Self {
        Self {
            start,
            marks: Vec::new(),
            setbacks,
        }
    }

    fn add(&mut self, page: &Page) {
        let Some(StoredMessage { position, id, .. }) = page.messages.last() else {
            return;
        };
        let (position, id) = (*position, *id);
        if self.marks.len() == Self::MARKS {
            let mut is_kept = false;
            self.marks.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        self.marks.push(HistoryMark { position, id });
    }
}

/// How long to wait before the next page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pause {
    Not,
    UntilRaised,
    Whole,
    ForEver,
}

/// A [`Feed`] of messages of one type, with their payloads read.
#[must_use = "nothing is read until it is asked for"]
pub struct TypedFeed<M> {
    feed: Feed,
    payload: PhantomData<fn() -> M>,
}

impl<M: MessageType> TypedFeed<M> {
    /// As [`Feed::stream`]; a payload that is no `M` is an error, too.
    pub fn stream(self) -> BoxStream<'static, Result<Message<M>, Failure>> {
        read_as(self.feed.stream())
    }

    /// As [`Feed::follow`]; a payload that is no `M` is an error, too.
    pub fn follow(self) -> BoxStream<'static, Result<Message<M>, Failure>> {
        read_as(self.feed.follow())
    }
}

impl<M> fmt::Debug for TypedFeed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.feed.fmt(f)
    }
}

fn flat(
    pages: BoxStream<'static, Result<Page, BackendError>>,
) -> BoxStream<'static, Result<StoredMessage, BackendError>> {
    let messages = |page: Page| stream::iter(page.messages.into_iter().map(Ok));
    pages.map_ok(messages).try_flatten().boxed()
}

fn read_as<M: MessageType>(
    messages: BoxStream<'static, Result<StoredMessage, BackendError>>,
) -> BoxStream<'static, Result<Message<M>, Failure>> {
    let read = |message: Result<StoredMessage, BackendError>| Ok(message?.decode::<M>()?);
    messages.map(read).boxed()
}
