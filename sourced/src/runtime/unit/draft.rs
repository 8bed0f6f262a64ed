//! The draft of a unit: what is stored, and what is about to be, as one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::backend::{
    BackendError, Direction, ExpectedSeq, LastEvent, ReadStream, Snapshot, StreamAppend,
};
use crate::message::{Kind, NewMessage, StoredMessage};
use crate::reactor::Streams;
use crate::stream::{GroupId, Position, Seq, StreamId};

/// Streams with the messages of a unit at their ends.
///
/// The seqs of drafted messages are those they will have, where [`Draft::expected`] is told that somebody has seen them.
/// Their positions are provisional: they are in order, and that is all.
pub(super) struct Draft {
    stored: Arc<dyn Streams>,
    streams: Mutex<BTreeMap<StreamId, Drafted>>,
}

struct Drafted {
    /// The events that are stored.
    stored: Vec<StoredMessage>,
    /// The seq of the last event before those, which was removed.
    removed: Option<Seq>,
    /// The seq of the last message that is stored, of whichever kind.
    last_stored: Option<Seq>,
    /// The seq of the last message that will be.
    last: Option<Seq>,
    /// What is about to be.
    added: Vec<StoredMessage>,
    /// Whether anything was made of the events.
    is_read: bool,
}

impl Drafted {
    fn last_event(&self) -> Option<Seq> {
        let last = self.stored.last().map(|event| event.seq);
        last.or(self.removed)
    }

    /// What an append must expect for the events to be all there are. Of one that was removed nobody knows the id.
    fn expected(&self) -> ExpectedSeq {
        let last = self.stored.last().map(LastEvent::from);
        last.map_or(
            ExpectedSeq::NoEventAfter(self.removed),
            ExpectedSeq::LastEvent,
        )
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

    /// Adds a message to the end of a stream. One that is not kept takes no seq: the next message has the same.
    pub(super) async fn add(
        &self,
        stream: &StreamId,
        message: NewMessage,
        is_kept: bool,
    ) -> Result<StoredMessage, BackendError> {
        self.load(stream).await?;
        let mut streams = self.lock();
        let drafted = streams.get_mut(stream).ok_or_else(forgotten)?;
        let seq = Seq::after(drafted.last);
        if is_kept {
            drafted.last = Some(seq);
        }
        // Beyond everything that is stored, and growing inside the stream.
        let position = Position::new(u64::MAX / 2 + seq.get());
        let message = StoredMessage::stored(message, stream.clone(), seq, position);
        drafted.added.push(message.clone());
        Ok(message)
    }

    /// What an append to this stream must expect, so that everything read here is still true. Where the seqs of drafted
    /// messages were shown to a handler, not even a command may have come in between.
    pub(super) fn expected(&self, stream: &StreamId, is_seq_shown: bool) -> ExpectedSeq {
        match self.lock().get(stream) {
            Some(drafted) if is_seq_shown => match drafted.last_stored {
                Some(last) => ExpectedSeq::Exactly(last),
                None => ExpectedSeq::NoStream,
            },
            Some(drafted) if drafted.is_read => drafted.expected(),
            _ => ExpectedSeq::Any,
        }
    }

    /// What an append must expect of the streams that something was made of, and that it stores nothing in.
    pub(super) fn guards(&self, is_stored: impl Fn(&StreamId) -> bool) -> Vec<StreamAppend> {
        let streams = self.lock();
        let only_read = streams
            .iter()
            .filter(|(stream, drafted)| drafted.is_read && !is_stored(stream));
        let guards = only_read
            .map(|(stream, drafted)| StreamAppend::guard(stream.clone(), drafted.expected()));
        guards.collect()
    }

    async fn load(&self, stream: &StreamId) -> Result<(), BackendError> {
        if self.lock().contains_key(stream) {
            return Ok(());
        }
        let read = ReadStream::all(stream.clone());
        let events = read.clone().only(Kind::Event);
        let (mut stored, removed) = self.left(events).await?;
        let last_event = stored.last().map(|event| event.seq).or(removed);
        let (tail, removed_last) = self.left(read.after(last_event)).await?;
        let last_stored = tail.last().map(|message| message.seq);
        let last_stored = last_stored.or(removed_last).or(last_event);
        stored.extend(
            tail.into_iter()
                .filter(|message| message.kind == Kind::Event),
        );
        let drafted = Drafted {
            stored,
            removed,
            last_stored,
            last: last_stored,
            added: Vec::new(),
            is_read: false,
        };
        self.lock().entry(stream.clone()).or_insert(drafted);
        Ok(())
    }

    /// What is left of a part of a stream, and the seq before it up to which something was removed.
    async fn left(
        &self,
        read: ReadStream,
    ) -> Result<(Vec<StoredMessage>, Option<Seq>), BackendError> {
        match self.stored.read_stream(read.clone()).await {
            Err(BackendError::Removed { upto, .. }) => {
                let rest = read.after(Some(upto));
                Ok((self.stored.read_stream(rest).await?, Some(upto)))
            }
            stored => Ok((stored?, None)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamId, Drafted>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a message is in the part of the stream that is read.
fn is_between(read: &ReadStream, message: &StoredMessage) -> bool {
    read.after.is_none_or(|after| message.seq > after)
        && read.upto.is_none_or(|upto| message.seq <= upto)
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
                let is_wanted = |message: &&StoredMessage| {
                    read.kind.is_none_or(|kind| kind == message.kind) && is_between(&read, message)
                };
                let added = drafted.added.iter().filter(is_wanted).cloned();
                match read.direction {
                    Direction::Forwards => all.extend(added),
                    Direction::Backwards => _ = all.splice(..0, added.rev()),
                }
            }
            all.truncate(read.limit.unwrap_or(usize::MAX));
            return Ok(all);
        }
        self.load(&read.stream).await?;
        let mut streams = self.lock();
        let drafted = streams.get_mut(&read.stream).ok_or_else(forgotten)?;
        drafted.is_read = true;
        if let Some(upto) = drafted.removed.filter(|upto| read.after < Some(*upto)) {
            let stream = read.stream;
            return Err(BackendError::Removed { stream, upto });
        }
        let added = drafted
            .added
            .iter()
            .filter(|message| message.kind == Kind::Event);
        let events = drafted.stored.iter().chain(added);
        let mut events: Vec<_> = events.filter(|event| is_between(&read, event)).collect();
        if read.direction == Direction::Backwards {
            events.reverse();
        }
        events.truncate(read.limit.unwrap_or(usize::MAX));
        Ok(events.into_iter().cloned().collect())
    }

    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        Ok(self.fitting(stream, self.stored.snapshot(actor, stream).await?))
    }

    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        Ok(self.fitting(stream, self.stored.base(actor, stream).await?))
    }
}

impl Draft {
    fn fitting(&self, stream: &StreamId, snapshot: Option<Snapshot>) -> Option<Snapshot> {
        let streams = self.lock();
        // One that came after the stream was read knows of events that are not seen here.
        let fits = |snapshot: &Snapshot| {
            let drafted = streams.get(stream);
            drafted.is_none_or(|drafted| Some(snapshot.seq) <= drafted.last_event())
        };
        snapshot.filter(fits)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("streams", &self.lock().keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Memory, Store as _};
    use crate::env::Env;
    use crate::message::{MessageId, Payload, TypeName};
    use crate::reactor::{Services, States};

    fn message(env: &Env, kind: Kind) -> NewMessage {
        let id = MessageId::from_uuid(env.ids.next_id());
        let name = TypeName::new("cart.something").unwrap();
        let payload = Payload::encode(&()).unwrap();
        NewMessage::root(id, env.clock.now(), name, kind, payload)
    }

    #[tokio::test]
    async fn what_is_drafted_is_read_as_far_as_it_is_asked_for() {
        let (env, memory) = (Env::system(), Memory::new());
        let stream = StreamId::new("cart-1").unwrap();
        let stored = StreamAppend {
            stream: stream.clone(),
            expected: ExpectedSeq::Any,
            messages: vec![message(&env, Kind::Command), message(&env, Kind::Event)],
        };
        memory.append(vec![stored]).await.unwrap();
        let resources = Arc::default();
        let services = Services::new(Arc::new(memory), env.clone(), resources, States::new(0));
        let draft = Draft::new(Arc::clone(services.streams()));
        for kind in [Kind::Command, Kind::Event] {
            let new = message(&env, kind);
            draft.add(&stream, new, true).await.unwrap();
        }

        let seqs = async |read: ReadStream| {
            let messages = draft.read_stream(read).await.unwrap();
            let seqs = messages.iter().map(|message| message.seq.get());
            seqs.collect::<Vec<_>>()
        };
        let all = || ReadStream::all(stream.clone());
        let seq = |seq| Seq::new(seq);
        assert_eq!(seqs(all()).await, [1, 2, 3, 4]);
        assert_eq!(seqs(all().after(seq(3))).await, [4]);
        assert_eq!(seqs(all().upto(seq(3))).await, [1, 2, 3]);
        assert_eq!(seqs(all().after(seq(1)).upto(seq(1))).await, [0; 0]);
        let (commands, events) = (all().only(Kind::Command), all().only(Kind::Event));
        assert_eq!(seqs(commands.clone().upto(seq(2))).await, [1]);
        assert_eq!(seqs(commands.after(seq(1))).await, [3]);
        assert_eq!(seqs(events.after(seq(2)).upto(seq(4))).await, [4]);
    }
}
