//! The draft of a unit: what is stored, and what is about to be, as one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::backend::{Backend, BackendError, ReadStream, Snapshot};
use crate::message::{Kind, NewMessage, StoredMessage};
use crate::reactor::Streams;
use crate::stream::{ExpectedSeq, GroupId, Position, Seq, StreamId};

/// Streams with the messages of a unit at their ends.
///
/// Seqs and positions of drafted messages are provisional: they are in order, and that is all.
pub(super) struct Draft {
    backend: Arc<dyn Backend>,
    streams: Mutex<HashMap<StreamId, Drafted>>,
}

#[derive(Default)]
struct Drafted {
    /// What is stored, once anything was made of it.
    stored: Option<Stored>,
    /// What is about to be.
    added: Vec<StoredMessage>,
}

/// The events of a stream as they were when it was first read.
struct Stored {
    /// Those up to this one were not asked for yet.
    after: Option<Seq>,
    events: Vec<StoredMessage>,
}

/// The part of a stream that is here.
struct Extent {
    after: Option<Seq>,
    last: Option<Seq>,
}

/// Beyond the seq of everything that is stored; a number that JSON can tell everywhere.
const FIRST_DRAFTED: u64 = 1 << 52;

impl Draft {
    pub(super) fn new(backend: &Arc<dyn Backend>) -> Self {
        Self {
            backend: Arc::clone(backend),
            streams: Mutex::default(),
        }
    }

    /// Adds a message to the end of a stream.
    pub(super) fn add(&self, stream: &StreamId, message: NewMessage) -> StoredMessage {
        let mut streams = self.lock();
        let drafted = streams.entry(stream.clone()).or_default();
        let last = drafted.added.last().map(|message| message.seq);
        let seq = Seq::after(last.or(Seq::new(FIRST_DRAFTED)));
        // Beyond everything that is stored, and growing inside the stream.
        let position = Position::new(u64::MAX / 2 + seq.get());
        let message = StoredMessage::stored(message, stream.clone(), seq, position);
        drafted.added.push(message.clone());
        message
    }

    /// What an append to this stream must expect, so that everything read here is still true.
    pub(super) fn expected(&self, stream: &StreamId) -> ExpectedSeq {
        match self.extent(stream) {
            Some(extent) => ExpectedSeq::NoEventAfter(extent.last),
            None => ExpectedSeq::Any,
        }
    }

    /// Makes sure that the stored events after this seq are here.
    async fn load(&self, stream: &StreamId, after: Option<Seq>) -> Result<(), BackendError> {
        let known = self.extent(stream);
        let mut read = ReadStream::all(stream.clone())
            .only(Kind::Event)
            .after(after);
        if let Some(known) = known {
            if known.after <= after {
                return Ok(());
            }
            // What came meanwhile stays unseen: the append expects that nothing did.
            read = read.upto(known.last);
        }
        let events = self.backend.read_stream(read).await?;
        let stored = Stored { after, events };
        self.lock().entry(stream.clone()).or_default().stored = Some(stored);
        Ok(())
    }

    fn extent(&self, stream: &StreamId) -> Option<Extent> {
        let streams = self.lock();
        let stored = streams.get(stream)?.stored.as_ref()?;
        let last = stored.events.last().map(|event| event.seq);
        Some(Extent {
            after: stored.after,
            last: last.or(stored.after),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamId, Drafted>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forgotten() -> BackendError {
    BackendError::Corrupt("a drafted stream was forgotten".into())
}

#[async_trait]
impl Streams for Draft {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        if read.kind != Some(Kind::Event) {
            // Only events are kept here; what else is stored comes from the storage, before what is added.
            let mut all = self.backend.read_stream(read.clone()).await?;
            if let Some(drafted) = self.lock().get(&read.stream) {
                let is_wanted = |m: &&StoredMessage| read.kind.is_none_or(|kind| kind == m.kind);
                all.extend(drafted.added.iter().filter(is_wanted).cloned());
            }
            all.truncate(read.limit.unwrap_or(usize::MAX));
            return Ok(all);
        }
        self.load(&read.stream, read.after).await?;
        let streams = self.lock();
        let drafted = streams.get(&read.stream).ok_or_else(forgotten)?;
        let stored = drafted.stored.iter().flat_map(|stored| &stored.events);
        let added = drafted
            .added
            .iter()
            .filter(|message| message.kind == Kind::Event);
        let events = stored.chain(added);
        let is_wanted = |event: &&StoredMessage| {
            read.after.is_none_or(|after| event.seq > after)
                && read.upto.is_none_or(|upto| event.seq <= upto)
        };
        Ok(events
            .filter(is_wanted)
            .take(read.limit.unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }

    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        let snapshot = self.backend.snapshot(actor, stream).await?;
        let known = self.extent(stream);
        // One that came after the stream was read knows of events that are not seen here.
        let fits = |snapshot: &Snapshot| known.is_none_or(|known| Some(snapshot.seq) <= known.last);
        Ok(snapshot.filter(fits))
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("streams", &self.lock().keys())
            .finish_non_exhaustive()
    }
}
