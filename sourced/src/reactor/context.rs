//! What handlers may ask for by the types of their parameters.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::resources::{Needs, Resources};
use super::{Batch, History, Services, Streams};
use crate::backend::{Delivery, ExpectedSeq, LastEvent, StreamAppend};
use crate::failure::Failure;
use crate::message::{Message, Metadata, Principal};
use crate::stream::StreamId;
use crate::time::Timestamp;

/// The surroundings of one handler call.
#[derive(Debug)]
pub struct Context {
    stream: StreamId,
    now: Timestamp,
    replaying: Replaying,
    /// That of the message, which tells its principal.
    metadata: Metadata,
    resources: Arc<Resources>,
    streams: Arc<dyn Streams>,
    history: History,
    /// What the call relies on in other streams: they must not get events before what it leads to is stored.
    guards: Mutex<Vec<StreamAppend>>,
}

impl Context {
    /// For a message that is handled for the first time: time is the clock's.
    pub fn live<P>(message: &Message<P>, services: &Services) -> Self {
        let now = services.env.clock.now();
        let of = (message.stream_id.clone(), message.metadata.clone());
        Self::new(of, services, services.streams(), now, false)
    }

    /// For a delivery. Time is the clock's, or in a replay the message's own, so that the outcome is the same.
    pub fn of(batch: &Batch<'_>, delivery: &Delivery) -> Self {
        let now = if delivery.replaying {
            delivery.message.created_at
        } else {
            batch.services.env.clock.now()
        };
        let message = &delivery.message;
        let (stream, metadata) = (message.stream_id.clone(), message.metadata.clone());
        let (services, streams) = (batch.services, batch.streams);
        Self::new(
            (stream, metadata),
            services,
            streams,
            now,
            delivery.replaying,
        )
    }

    fn new(
        (stream, metadata): (StreamId, Metadata),
        services: &Services,
        streams: &Arc<dyn Streams>,
        now: Timestamp,
        replaying: bool,
    ) -> Self {
        Self {
            stream,
            now,
            metadata,
            replaying: Replaying(replaying),
            resources: Arc::clone(&services.resources),
            streams: Arc::clone(streams),
            history: History::default(),
            guards: Mutex::default(),
        }
    }

    /// The same with what happened before.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// What happened in the stream before this call.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The stream that the call is about.
    pub fn stream_id(&self) -> &StreamId {
        &self.stream
    }

    /// Whether everything that the call is about was handled before.
    pub fn is_replaying(&self) -> bool {
        self.replaying.get()
    }

    pub(super) fn resources(&self) -> &Resources {
        &self.resources
    }

    /// The time, as handlers are to see it.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Where to read other streams.
    pub(crate) fn streams(&self) -> &dyn Streams {
        &*self.streams
    }

    /// Whether the call relies on this stream already.
    pub(crate) fn is_guarded(&self, stream: &StreamId) -> bool {
        self.lock().iter().any(|guard| guard.stream == *stream)
    }

    /// Notes that the call relies on another stream as it is after this event.
    pub(crate) fn guard(&self, stream: StreamId, last_event: Option<LastEvent>) {
        let expected = ExpectedSeq::last_event(last_event);
        self.lock().push(StreamAppend::guard(stream, expected));
    }

    /// What the call has come to rely on in other streams.
    pub(crate) fn into_guards(self) -> Vec<StreamAppend> {
        self.guards
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<StreamAppend>> {
        self.guards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a parameter of this type stands for. Generated code calls this.
    ///
    /// # Errors
    /// [`Failure`] when it is not there, which [`AppBuilder::build`](crate::AppBuilder::build) would have said.
    pub fn get<T: FromContext>(&self) -> Result<T, Failure> {
        T::from_context(self)
    }
}

/// A type that handlers may have as a parameter.
#[diagnostic::on_unimplemented(
    message = "a handler cannot ask for a `{Self}`",
    label = "neither a field of the message nor something the context can give",
    note = "write `Res<{Self}>` for a resource registered with `App::builder().resource(..)`"
)]
pub trait FromContext: Sized {
    /// Notes what has to be registered for this to work.
    fn needs(needs: &mut Needs);

    /// Takes it from the surroundings of the call.
    ///
    /// # Errors
    /// [`Failure`] when it is not there.
    fn from_context(cx: &Context) -> Result<Self, Failure>;
}

/// The time, as a handler is to see it: the clock's, or in a replay the message's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now(pub Timestamp);

impl Deref for Now {
    type Target = Timestamp;
    fn deref(&self) -> &Timestamp {
        &self.0
    }
}

impl FromContext for Now {
    fn needs(_: &mut Needs) {}
    fn from_context(cx: &Context) -> Result<Self, Failure> {
        Ok(Self(cx.now))
    }
}

/// Whether the messages were all handled before by this group, so that nothing but state may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaying(bool);

impl Replaying {
    /// Whether it is a replay.
    pub const fn get(self) -> bool {
        self.0
    }
}

impl FromContext for Replaying {
    fn needs(_: &mut Needs) {}
    fn from_context(cx: &Context) -> Result<Self, Failure> {
        Ok(cx.replaying)
    }
}

impl FromContext for Principal {
    fn needs(_: &mut Needs) {}
    fn from_context(cx: &Context) -> Result<Self, Failure> {
        Ok(cx.metadata.principal())
    }
}
