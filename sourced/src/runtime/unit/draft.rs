//! The draft of a unit: what is stored, and what is about to be, as one.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::backend::{BackendError, ReadStream, StreamAppend};
use crate::message::{Kind, NewMessage, StoredMessage};
use crate::reactor::Streams;
use crate::stream::{ExpectedSeq, Position, Seq, StreamId};

/// Streams with the messages of a unit at their ends.
///
/// Seqs and positions of drafted messages are provisional: they are in order, and that is all.
pub(super) struct Draft {
    stored: Arc<dyn Streams>,
    streams: Mutex<HashMap<StreamId, Drafted>>,
}

struct Drafted {
    /// The events that are stored.
    stored: Vec<StoredMessage>,
    /// What is about to be.
    added: Vec<StoredMessage>,
    /// Whether anything was made of the events.
    is_read: bool,
}

impl Drafted {
    fn last_stored(&self) -> Option<Seq> {
        self.stored.last().map(|event| event.seq)
    }
}

impl Draft {
    /// A draft on these streams.
    pub(super) fn new(stored: Arc<dyn Streams>) -> Self {
        Self {
            stored,
            streams: Mutex::default(),
        }
    }

    /// Adds a message to the end of a stream.
    pub(super) async fn add(
        &self,
        stream: &StreamId,
        message: NewMessage,
    ) -> Result<StoredMessage, BackendError> {
        self.load(stream).await?;
        let mut streams = self.lock();
        let drafted = streams.get_mut(stream).ok_or_else(forgotten)?;
        let last = drafted
            .added
            .last()
            .map(|message| message.seq)
            .or(drafted.last_stored());
        let seq = Seq::after(last);
        // Beyond everything that is stored, and growing inside the stream.
        let position = Position::new(u64::MAX / 2 + seq.get());
        let message = StoredMessage::stored(message, stream.clone(), seq, position);
        drafted.added.push(message.clone());
        Ok(message)
    }

    /// What an append to this stream must expect, so that everything read here is still true.
    pub(super) fn expected(&self, stream: &StreamId) -> ExpectedSeq {
        match self.lock().get(stream) {
            Some(drafted) if drafted.is_read => ExpectedSeq::NoEventAfter(drafted.last_stored()),
            _ => ExpectedSeq::Any,
        }
    }

    /// What an append must expect of the streams that something was made of, and that it stores nothing in.
    pub(super) fn guards(&self, is_stored: impl Fn(&StreamId) -> bool) -> Vec<StreamAppend> {
        let streams = self.lock();
        let only_read = streams
            .iter()
            .filter(|(stream, drafted)| drafted.is_read && !is_stored(stream));
        let guards = only_read.map(|(stream, drafted)| {
            let expected = ExpectedSeq::NoEventAfter(drafted.last_stored());
            StreamAppend::guard(stream.clone(), expected)
        });
        guards.collect()
    }

    async fn load(&self, stream: &StreamId) -> Result<(), BackendError> {
        if self.lock().contains_key(stream) {
            return Ok(());
        }
        let read = ReadStream::all(stream.clone()).only(Kind::Event);
        let stored = self.stored.read_stream(read).await?;
        let drafted = Drafted {
            stored,
            added: Vec::new(),
            is_read: false,
        };
        self.lock().entry(stream.clone()).or_insert(drafted);
        Ok(())
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
            let mut all = self.stored.read_stream(read.clone()).await?;
            if let Some(drafted) = self.lock().get(&read.stream) {
                let is_wanted = |m: &&StoredMessage| read.kind.is_none_or(|kind| kind == m.kind);
                all.extend(drafted.added.iter().filter(is_wanted).cloned());
            }
            all.truncate(read.limit.unwrap_or(usize::MAX));
            return Ok(all);
        }
        self.load(&read.stream).await?;
        let mut streams = self.lock();
        let drafted = streams.get_mut(&read.stream).ok_or_else(forgotten)?;
        drafted.is_read = true;
        let added = drafted
            .added
            .iter()
            .filter(|message| message.kind == Kind::Event);
        let events = drafted.stored.iter().chain(added);
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
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("streams", &self.lock().keys())
            .finish_non_exhaustive()
    }
}
