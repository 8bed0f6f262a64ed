//! A state that was made of stored events, and how far it goes.

use super::load::{Reach, load};
use super::run::evolve_all;
use super::{Actor, Handlers};
use crate::backend::{BackendError, LastEvent, ReadStream};
use crate::failure::Failure;
use crate::message::{Kind, StoredMessage};
use crate::reactor::{History, Streams, guarded};
use crate::stream::{Seq, StreamId};

/// A state with all events of its stream up to a seq.
#[derive(Debug)]
pub(super) struct Known<A> {
    pub(super) state: A,
    /// The last event in the state; `None` when there was none.
    pub(super) last: Option<LastEvent>,
    /// The seq of the last message that is known to be stored, events and commands.
    pub(super) end: Option<Seq>,
    /// How many of the events came after the snapshot that it began with.
    pub(super) n_events: usize,
}

impl<A: Actor> Known<A> {
    /// Takes out what is known of a stream. Others may have appended later events.
    pub(super) fn take(streams: &dyn Streams, stream: &StreamId) -> Option<Box<Self>> {
        streams.states()?.take(stream)
    }

    /// Keeps it for the next decision.
    pub(super) fn keep(self: Box<Self>, streams: &dyn Streams, stream: &StreamId) {
        if let Some(states) = streams.states() {
            states.keep(stream, self.last.map(|event| event.seq), self);
        }
    }

    /// Reads it from the streams, with the events that were read for it.
    ///
    /// # Errors
    /// [`Failure`] when the history cannot be read or does not fit the actor.
    pub(super) async fn load(
        streams: &dyn Streams,
        handlers: &Handlers<A>,
        read: ReadStream,
        reach: Reach,
    ) -> Result<(Self, History), Failure> {
        let stream = read.stream.clone();
        let found = load(streams, handlers, read, reach).await?;
        let (state, history) = guarded(async { found.fold(handlers, &stream) }).await?;
        let known = Self {
            state,
            last: history.last_event(),
            end: history.last_seq(),
            n_events: history.len(),
        };
        Ok((known, history))
    }

    /// Reads what was appended since, or all of it where what is known is not what the stream has; whether the state is
    /// another one now.
    ///
    /// # Errors
    /// As [`Known::load`]. The state may be half changed then.
    pub(super) async fn catch_up(
        &mut self,
        streams: &dyn Streams,
        handlers: &Handlers<A>,
        stream: &StreamId,
    ) -> Result<bool, Failure> {
        let Some(events) = tail_of(streams, stream, self.last).await? else {
            let read = ReadStream::all(stream.clone());
            (*self, _) = Self::load(streams, handlers, read, Reach::Newest).await?;
            return Ok(true);
        };
        self.evolve(handlers, &events).await?;
        Ok(!events.is_empty())
    }

    /// Changes the state by the events that were stored next.
    ///
    /// # Errors
    /// [`Failure`] when they do not fit the actor. The state may be half changed then.
    pub(super) async fn evolve(
        &mut self,
        handlers: &Handlers<A>,
        events: &[StoredMessage],
    ) -> Result<(), Failure> {
        guarded(async { evolve_all(handlers, &mut self.state, events) }).await?;
        self.last = events.last().map(LastEvent::from).or(self.last);
        self.end = self.end.max(self.last.map(|event| event.seq));
        self.n_events += events.len();
        Ok(())
    }
}

/// The events after the last one that is known; `None` where the stream does not have that one, or it was removed, so that
/// nothing can be said.
///
/// - *history-goes-on*: the known event is read with them, since a database that was set back has a shorter stream, or
///   another event in its place.
pub(super) async fn tail_of(
    streams: &dyn Streams,
    stream: &StreamId,
    last: Option<LastEvent>,
) -> Result<Option<Vec<StoredMessage>>, BackendError> {
    let events = ReadStream::all(stream.clone()).only(Kind::Event);
    let Some(last) = last else {
        return streams.read_stream(events).await.map(Some);
    };
    let before = Seq::new(last.seq.get() - 1);
    match streams.read_stream(events.after(before)).await {
        Ok(mut events) => {
            let is_known = |event: &StoredMessage| LastEvent::from(event) == last;
            Ok(events.first().is_some_and(is_known).then(|| {
                events.remove(0);
                events
            }))
        }
        Err(BackendError::Removed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
