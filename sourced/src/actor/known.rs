//! A state that was made of stored events, and how far it goes.

use super::load::{Reach, load};
use super::run::evolve_all;
use super::{Actor, Handlers};
use crate::backend::ReadStream;
use crate::failure::Failure;
use crate::message::{Kind, StoredMessage};
use crate::reactor::{History, Streams, guarded};
use crate::stream::{Seq, StreamId};

/// A state with all events of its stream up to a seq.
#[derive(Debug)]
pub(super) struct Known<A> {
    pub(super) state: A,
    /// That of the last event in the state; `None` when there was none.
    pub(super) seq: Option<Seq>,
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
            states.keep(stream, self.seq, self);
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
            seq: history.last_seq(),
            n_events: history.len(),
        };
        Ok((known, history))
    }

    /// Reads what was appended since; whether anything was.
    ///
    /// # Errors
    /// As [`Known::load`]. The state may be half changed then.
    pub(super) async fn catch_up(
        &mut self,
        streams: &dyn Streams,
        handlers: &Handlers<A>,
        stream: &StreamId,
    ) -> Result<bool, Failure> {
        let tail = ReadStream::all(stream.clone()).only(Kind::Event);
        let events = streams.read_stream(tail.after(self.seq)).await?;
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
        self.seq = events.last().map(|event| event.seq).or(self.seq);
        self.n_events += events.len();
        Ok(())
    }
}
