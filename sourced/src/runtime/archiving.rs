//! Removing the beginning of a stream, keeping it elsewhere, and looking at how much there is.

use std::collections::HashSet;

use super::App;
use crate::backend::{
    BackendError, Left, ReadStream, RecentStreams, Snapshot, Statistics, TruncateError, Truncation,
};
use crate::failure::Failure;
use crate::message::{Kind, StoredMessage, TypeName};
use crate::reactor::{Footing, Ground};
use crate::stream::{GroupId, IntoStreamId, InvalidName, Position, Seq, StreamId};

/// So many messages are read at a time.
const PAGE: usize = 1_000;

/// How much of a stream is to be removed; see [`App::truncate`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "nothing is removed until it is given to the app"]
pub struct Truncate {
    upto: Seq,
    even_without_snapshot: bool,
}

impl Truncate {
    /// Everything up to here, itself included.
    pub fn upto(upto: Seq) -> Self {
        Self {
            upto,
            even_without_snapshot: false,
        }
    }

    /// Also what somebody makes their state of: for streams that have ended, or whose reader goes away. Whoever needs it
    /// nevertheless gets [`BackendError::Removed`], never a wrong state; a worker parks the stream.
    pub fn even_without_snapshot(mut self) -> Self {
        self.even_without_snapshot = true;
        self
    }
}

/// Why a stream was not truncated. Nothing was removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Somebody makes a state of what was to be removed.
    #[error(
        "the group `{group}` reads stream `{stream}` from its beginning, and {}; \
         help: `Truncate::even_without_snapshot` removes it for a stream that has ended",
        snapshot.map_or_else(|| "has no snapshot of it that fits".to_owned(), |seq| format!("its snapshot ends with message {seq}"))
    )]
    Needed {
        /// The group.
        group: GroupId,
        /// The stream.
        stream: StreamId,
        /// The last seq in the snapshot that the group has, where it fits.
        snapshot: Option<Seq>,
    },
    /// The name is not one of a stream.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// The archive did not take the messages.
    #[error("the archive did not take the messages: {0}")]
    NotKept(Failure),
    /// A group waits for it, or it is not there.
    #[error("{0}")]
    Truncate(#[from] TruncateError),
}

impl From<BackendError> for ArchiveError {
    fn from(error: BackendError) -> Self {
        Self::Truncate(error.into())
    }
}

impl App {
    /// Removes the first messages of a stream for good, and says how many this call has removed. The stream goes on where
    /// it was: no seq is used again, and the ids of what was removed stay taken.
    ///
    /// It is refused while a consumer group has to handle any of it, here or in another program. It is refused, too, when
    /// a reactor of this app makes a state of it: an actor needs a snapshot that fits this program and goes as far, and
    /// must have handled all that is in that snapshot. Of the actors and projectors of other programs nobody knows here.
    ///
    /// *A snapshot ends with the code that made it.* When that changes, an actor's state in a truncated stream can be
    /// loaded only after [`App::restore`]: keep the messages with [`App::archive`].
    ///
    /// # Errors
    /// [`ArchiveError`]: nothing was removed.
    pub async fn truncate(
        &self,
        stream: impl IntoStreamId,
        truncate: Truncate,
    ) -> Result<u64, ArchiveError> {
        let keep = |_: Vec<StoredMessage>| async { Ok(()) };
        self.archive(stream, truncate, keep).await
    }

    /// As [`App::truncate`], but first gives everything that is going to be removed to `keep`, in order and in pages. When
    /// all of it is kept, it is removed; if `keep` fails, nothing is. Seqs never change, so what is removed is what was
    /// kept. What had been removed before is passed over.
    ///
    /// A message can be written as a line with [`StoredMessage::to_line`].
    ///
    /// ```
    /// use sourced::Truncate;
    /// use sourced::prelude::*;
    ///
    /// # #[derive(Debug, Default)] struct Door;
    /// # #[actor] impl Door {
    /// #     #[command] fn open(&self) -> Opened { Opened }
    /// #     #[event] fn opened(&mut self) {}
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let app = App::builder().register::<Door>().build().await?;
    /// app.actor::<Door>("door-1").open().await?;
    /// let end = app.load::<Door>("door-1").await?.seq().unwrap();
    ///
    /// // The door was bricked up: nobody is going to load it again.
    /// let file = std::sync::Mutex::new(Vec::new());
    /// let truncate = Truncate::upto(end).even_without_snapshot();
    /// let removed = app.archive("door-1", truncate, async |page: Vec<StoredMessage>| {
    ///     file.lock().unwrap().extend(page.iter().map(StoredMessage::to_line));
    ///     Ok(())
    /// });
    /// assert_eq!(removed.await?, 2);
    /// assert!(app.load::<Door>("door-1").await.is_err());
    ///
    /// // … but once more it is.
    /// let lines = file.into_inner().unwrap();
    /// let messages: Result<Vec<_>, _> = lines.iter().map(|line| StoredMessage::from_line(line)).collect();
    /// app.restore(&messages?).await?;
    /// assert_eq!(app.load::<Door>("door-1").await?.seq(), Some(end));
    /// # use sourced::StoredMessage;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ArchiveError`]: nothing was removed.
    pub async fn archive<F, Fut>(
        &self,
        stream: impl IntoStreamId,
        truncate: Truncate,
        mut keep: F,
    ) -> Result<u64, ArchiveError>
    where
        F: FnMut(Vec<StoredMessage>) -> Fut,
        Fut: Future<Output = Result<(), Failure>>,
    {
        let stream = stream.into_stream_id()?;
        let mut truncation = Truncation {
            stream: stream.clone(),
            upto: truncate.upto,
            bases: Vec::new(),
        };
        if !truncate.even_without_snapshot {
            truncation.bases = self.standing_on(&stream, truncate.upto).await?;
        }
        let mut read = ReadStream::all(stream)
            .upto(Some(truncate.upto))
            .limit(PAGE);
        while let Left {
            messages,
            looked_upto: Some(last),
        } = self.backend().read_left(&read).await?
        {
            read.after = Some(last);
            keep(messages).await.map_err(ArchiveError::NotKept)?;
        }
        Ok(self.backend().truncate_stream(&truncation).await?)
    }

    /// Puts removed messages back as they were, and says how many had been missing: they are history again, but no new
    /// work for anybody. A stream that was parked for want of them can be tried again.
    ///
    /// # Errors
    /// [`BackendError::Refused`] when one of them never stood where it says; nothing is put back then.
    pub async fn restore(&self, messages: &[StoredMessage]) -> Result<u64, BackendError> {
        self.backend().restore(messages).await
    }

    /// The streams that were written to last, the newest first: at most `limit`, going on from [`RecentStreams::next`] of the
    /// page before. A page may be short, and even empty, though another one follows: see
    /// [`Upkeep::recent_streams`](crate::backend::Upkeep::recent_streams).
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn recent_streams(
        &self,
        before: Option<Position>,
        limit: usize,
    ) -> Result<RecentStreams, BackendError> {
        self.backend().recent_streams(before, limit).await
    }

    /// About how many messages and streams are stored, and how many bytes they take. Nothing is counted for it.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn statistics(&self) -> Result<Statistics, BackendError> {
        self.backend().statistics().await
    }

    /// The snapshots that groups of this app have of what is to be removed.
    async fn standing_on(
        &self,
        stream: &StreamId,
        upto: Seq,
    ) -> Result<Vec<(GroupId, Snapshot)>, ArchiveError> {
        let mut types: HashSet<TypeName> = HashSet::new();
        let mut last_event = None;
        let mut read = ReadStream::all(stream.clone()).limit(PAGE);
        while let Left {
            messages,
            looked_upto: Some(last),
        } = self.backend().read_left(&read).await?
        {
            read.after = Some(last);
            for message in messages {
                if message.kind == Kind::Event && message.seq <= upto {
                    last_event = Some(message.seq);
                }
                types.insert(message.type_name);
            }
        }
        let Some(last_event) = last_event else {
            return Ok(Vec::new());
        };
        let ground = Ground::new(stream, &types, &self.inner.services);
        let mut bases = Vec::new();
        for reactor in &self.inner.reactors {
            let snapshot = match reactor.footing(&ground).await? {
                Footing::Nothing => continue,
                Footing::Snapshot(snapshot) => Some(snapshot),
                Footing::Events => None,
            };
            let group = reactor.group().clone();
            match snapshot {
                Some(snapshot) if snapshot.seq >= last_event => {
                    bases.push((group, Snapshot::clone(&snapshot)));
                }
                snapshot => {
                    let stream = stream.clone();
                    return Err(ArchiveError::Needed {
                        group,
                        stream,
                        snapshot: snapshot.map(|snapshot| snapshot.seq),
                    });
                }
            }
        }
        Ok(bases)
    }
}
