//! What handlers may ask for by the types of their parameters.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Batch, History, Services, Streams};
use crate::backend::{Delivery, StreamAppend};
use crate::failure::Failure;
use crate::message::{Message, Principal};
use crate::stream::{ExpectedSeq, Seq, StreamId};
use crate::time::Timestamp;

/// The surroundings of one handler call.
#[derive(Debug, Clone)]
pub struct Context {
    now: Timestamp,
    replaying: Replaying,
    principal: Principal,
    resources: Arc<Resources>,
    streams: Arc<dyn Streams>,
    history: History,
    /// What the call relies on in other streams: they must not get events before what it leads to is stored.
    guards: Arc<Mutex<Vec<StreamAppend>>>,
}

impl Context {
    /// For a message that is handled for the first time: time is the clock's.
    pub fn live<P>(message: &Message<P>, services: &Services) -> Self {
        let now = services.env.clock.now();
        Self::new(
            message.principal(),
            services,
            services.streams(),
            now,
            false,
        )
    }

    /// For a delivery. Time is the clock's, or in a replay the message's own, so that the outcome is the same.
    pub fn of(batch: &Batch<'_>, delivery: &Delivery) -> Self {
        let now = if delivery.replaying {
            delivery.message.created_at
        } else {
            batch.services.env.clock.now()
        };
        let streams = Arc::clone(batch.streams);
        let principal = delivery.message.principal();
        Self::new(principal, batch.services, streams, now, delivery.replaying)
    }

    fn new(
        principal: Principal,
        services: &Services,
        streams: Arc<dyn Streams>,
        now: Timestamp,
        replaying: bool,
    ) -> Self {
        Self {
            now,
            principal,
            replaying: Replaying(replaying),
            resources: Arc::clone(&services.resources),
            streams,
            history: History::default(),
            guards: Arc::default(),
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
    pub(crate) fn guard(&self, stream: StreamId, last_event: Option<Seq>) {
        let expected = ExpectedSeq::NoEventAfter(last_event);
        self.lock().push(StreamAppend::guard(stream, expected));
    }

    /// What the call relies on in other streams.
    pub(crate) fn guards(&self) -> Vec<StreamAppend> {
        self.lock().clone()
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

/// A resource registered with [`AppBuilder::resource`](crate::AppBuilder::resource): a mailer, a client, a pool.
///
/// ```
/// use sourced::Res;
///
/// struct Mailer { sender: String }
/// fn greet(mailer: &Res<Mailer>) -> String {
///     format!("from {}", mailer.sender)
/// }
/// assert_eq!(greet(&Res::new(Mailer { sender: "shop".into() })), "from shop");
/// ```
pub struct Res<T>(Arc<T>);

impl<T> Res<T> {
    /// Wraps a value, for calling a handler by hand in a test.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Clone for Res<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Res<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Res<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Send + Sync + 'static> FromContext for Res<T> {
    fn needs(needs: &mut Needs) {
        needs.0.push((TypeId::of::<T>(), type_name::<T>()));
    }

    fn from_context(cx: &Context) -> Result<Self, Failure> {
        let found = cx.resources.0.get(&TypeId::of::<T>()).cloned();
        found
            .and_then(|resource| resource.downcast().ok())
            .map(Self)
            .ok_or_else(|| {
                Failure::msg(format!("no resource `{}` is registered", type_name::<T>()))
            })
    }
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
        Ok(cx.principal.clone())
    }
}

/// The resources of an app, by type.
#[derive(Default)]
pub struct Resources(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Resources {
    /// Adds one; an earlier one of the same type is replaced.
    pub fn insert<T: Send + Sync + 'static>(&mut self, resource: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(resource));
    }

    /// The names of the needed types that are not here.
    pub fn missing<'n>(
        &self,
        needs: &'n Needs,
    ) -> impl Iterator<Item = &'static str> + use<'_, 'n> {
        let absent = |(id, _): &&(TypeId, &'static str)| !self.0.contains_key(id);
        needs.0.iter().filter(absent).map(|(_, name)| *name)
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources")
            .field("count", &self.0.len())
            .finish()
    }
}

/// The resources that handlers ask for.
#[derive(Debug, Default)]
pub struct Needs(Vec<(TypeId, &'static str)>);

impl Needs {
    /// Notes what a parameter of this type needs.
    pub fn add<T: FromContext>(&mut self) {
        T::needs(self);
    }
}
