//! Loading: the events of a stream, or the newest snapshot that fits and the events after it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::run::evolve_all;
use super::snapshots::SnapshotRule;
use super::{Actor, Handlers};
use crate::backend::{BackendError, LastEvent, ReadStream, Snapshot};
use crate::failure::Failure;
use crate::message::Kind;
use crate::reactor::{Afterwards, Footing, Ground, History, Services, Streams, guarded, initial};
use crate::stream::{Seq, StreamId};

/// How far back the events are needed themselves, and not only what they led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// To the beginning of the stream.
    Beginning,
    /// To the end of this seq: a later snapshot knows too much.
    UpTo(Seq),
    /// To the newest snapshot: the state is going to be made of them once more.
    Snapshot,
    /// Not at all: a state that is known will do.
    Newest,
}

/// What a state is made of.
pub(super) struct Found<A> {
    /// The events, and the snapshot that they come after.
    pub(super) history: History,
    /// The state of that snapshot.
    pub(super) base: Option<A>,
}

impl<A> Default for Found<A> {
    fn default() -> Self {
        Self {
            history: History::default(),
            base: None,
        }
    }
}

/// Reads the events of a stream, or those after the newest snapshot that fits.
pub(super) async fn load<A: Actor>(
    streams: &dyn Streams,
    handlers: &Handlers<A>,
    read: ReadStream,
    reach: Reach,
) -> Result<Found<A>, BackendError> {
    let read = read.only(Kind::Event);
    let usable = usable(streams, handlers, &read.stream, reach).await;
    let (mut snapshot, mut base) = usable.unzip();
    let seq_of = |snapshot: &Option<Arc<Snapshot>>| snapshot.as_ref().map(|snapshot| snapshot.seq);
    let mut events = streams
        .read_stream(read.clone().after(seq_of(&snapshot)))
        .await;
    if let Err(BackendError::Removed { .. }) = events
        && let Some(rule) = handlers.snapshots()
        && reach != Reach::Beginning
    {
        let found = streams.base(handlers.group(), &read.stream).await?;
        if let Some(found) = fitting::<A>(rule, &read.stream, reach, found).await {
            (snapshot, base) = Some(found).unzip();
            events = streams.read_stream(read.after(seq_of(&snapshot))).await;
        }
    }
    let events = events?;
    let history = History::shared(Arc::new(events)).since(snapshot);
    Ok(Found { history, base })
}

impl<A: Actor> Found<A> {
    /// The state after all the events.
    ///
    /// # Errors
    /// [`Failure`] when the events do not fit the actor.
    pub(super) fn fold(
        self,
        handlers: &Handlers<A>,
        stream: &StreamId,
    ) -> Result<(A, History), Failure> {
        let mut state = self.base.unwrap_or_else(|| A::initial(stream));
        evolve_all(handlers, &mut state, &self.history)?;
        Ok((state, self.history))
    }
}

/// The state before the first event of a history: that of its snapshot, or the very first.
///
/// # Errors
/// [`Failure`] when the snapshot is none of this actor, which [`load`] does not let happen.
pub(super) fn foundation<A: Actor>(
    handlers: &Handlers<A>,
    streams: &dyn Streams,
    stream: &StreamId,
    history: &History,
) -> Result<A, Failure> {
    match (history.base(), handlers.snapshots()) {
        (Some(base), Some(rule)) => Ok(rule.decode(&base.state)?),
        (Some(_), None) => Err(Failure::msg("a snapshot of an actor that takes none")),
        (None, _) => Ok(initial(streams, || A::initial(stream))),
    }
}

/// The snapshot to start from. Nothing that is wrong with it is an error: without one, everything is read.
async fn usable<A: Actor>(
    streams: &dyn Streams,
    handlers: &Handlers<A>,
    stream: &StreamId,
    reach: Reach,
) -> Option<(Arc<Snapshot>, A)> {
    let rule = handlers.snapshots()?;
    if reach == Reach::Beginning {
        return None;
    }
    let found = match streams.snapshot(handlers.group(), stream).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(actor = A::NAME, %stream, %error, "a snapshot could not be read; the whole stream is");
            return None;
        }
    };
    fitting(rule, stream, reach, found).await
}

/// A snapshot, if it fits the actor and goes no farther than asked for.
async fn fitting<A: Actor>(
    rule: &SnapshotRule<A>,
    stream: &StreamId,
    reach: Reach,
    found: Option<Snapshot>,
) -> Option<(Arc<Snapshot>, A)> {
    let snapshot = found?;
    let is_too_late = matches!(reach, Reach::UpTo(seq) if snapshot.seq > seq);
    if is_too_late || snapshot.fingerprint != rule.fingerprint() {
        return None;
    }
    match guarded(async { Ok(rule.decode(&snapshot.state)?) }).await {
        Ok(state) => Some((Arc::new(snapshot), state)),
        Err(failure) => {
            tracing::warn!(actor = A::NAME, %stream, error = %failure.chain(), "a snapshot does not fit its actor; the whole stream is read");
            None
        }
    }
}

/// What an actor's states in a stream are made of.
pub(super) async fn footing<A: Actor>(
    handlers: &Handlers<A>,
    ground: &Ground<'_>,
) -> Result<Footing, BackendError> {
    let reactions = handlers.reactions().types();
    let known = handlers.evolution().types().chain(reactions);
    if !ground.has(known.chain(handlers.command_types())) {
        return Ok(Footing::Nothing);
    }
    if handlers.asks_for_history() {
        return Ok(Footing::Events);
    }
    let streams = &**ground.services.streams();
    let found = usable(streams, handlers, ground.stream, Reach::Newest).await;
    Ok(found.map_or(Footing::Events, |(snapshot, _)| Footing::Snapshot(snapshot)))
}

/// Takes a snapshot of what is stored by then.
pub(super) struct TakeSnapshot<A> {
    handlers: Arc<Handlers<A>>,
    stream: StreamId,
}

impl<A: Actor> TakeSnapshot<A> {
    /// When one is due, now that a stream has so many more events than what a decision was made on.
    pub(super) fn if_due(
        handlers: &Arc<Handlers<A>>,
        stream: &StreamId,
        before: usize,
        now: usize,
    ) -> Option<Arc<dyn Afterwards>> {
        let is_due = handlers.snapshots()?.is_due(before, now);
        is_due.then(|| {
            Arc::new(Self {
                handlers: Arc::clone(handlers),
                stream: stream.clone(),
            }) as Arc<dyn Afterwards>
        })
    }

    /// It is folded from what the log gives, so it is never ahead of it.
    async fn take(&self, services: &Services) -> Result<(), Failure> {
        let (handlers, stream) = (&*self.handlers, &self.stream);
        let Some(rule) = handlers.snapshots() else {
            return Ok(());
        };
        let read = ReadStream::all(stream.clone());
        let found = load(&**services.streams(), handlers, read, Reach::Newest).await?;
        let Some(LastEvent { seq, id }) = found.history.last().map(LastEvent::from) else {
            return Ok(());
        };
        let state = guarded(async {
            let (state, _) = found.fold(handlers, stream)?;
            Ok(rule.encode(&state)?)
        });
        let snapshot = Snapshot {
            seq,
            event: id,
            fingerprint: rule.fingerprint(),
            state: state.await?,
        };
        let backend = &services.backend;
        backend
            .save_snapshot(handlers.group(), stream, &snapshot)
            .await?;
        Ok(())
    }
}

#[async_trait]
impl<A: Actor> Afterwards for TakeSnapshot<A> {
    async fn run(&self, services: &Services) {
        if let Err(failure) = self.take(services).await {
            tracing::warn!(actor = A::NAME, stream = %self.stream, error = %failure.chain(), "no snapshot was taken");
        }
    }
}

impl<A> fmt::Debug for TakeSnapshot<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeSnapshot")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
