//! The app: a backend, its reactors, and the calls of a program.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::recurring::Recipe;
use super::strategy::FailedAttempt;
use super::vitals::WorkersHere;
use super::{AppBuilder, DispatchError, Outcome, ReactorOptions, Running, Unit, WorkerOptions};
use crate::actor::{Actor, ActorReactor, ActorRef, Loaded, Outgoing};
use crate::backend::{
    AppendError, Backend, BackendError, Delivery, GroupOrder, ReadStream, Selection, Signal,
    Verdict,
};
use crate::edge::Gateway;
use crate::env::Env;
use crate::failure::Failure;
use crate::message::{MessageId, Metadata, NewMessage, Principal, StoredMessage, TypeName};
use crate::reactor::{Batch, Progress, Reactor, Services, handle_guarded};
use crate::reader::{Feed, Reader};
use crate::registry::Registry;
use crate::stream::{GroupId, IntoStreamId, Seq, StreamId};
use crate::topology::{Topology, Warning};

/// Messages of a group in global order handled in one transaction, unless its options say something else.
const MESSAGES_OF_THE_LOG: usize = 1_000;

/// Reactors on a backend. Cloning is cheap; all clones are the same app.
#[derive(Clone)]
pub struct App {
    pub(super) inner: Arc<Inner>,
    pub(super) metadata: Metadata,
    pub(super) principal: Option<Principal>,
}

pub(super) struct Inner {
    pub(super) services: Arc<Services>,
    pub(super) reactors: Vec<Arc<dyn Reactor>>,
    pub(super) deciders: HashMap<TypeName, GroupId>,
    pub(super) recurring: Vec<Arc<Recipe>>,
    pub(super) workers: WorkerOptions,
    /// Of reactors that have some of their own.
    pub(super) options: HashMap<GroupId, ReactorOptions>,
    /// Raised when this process schedules something, which may be due sooner than what was known.
    pub(super) scheduled: Signal,
    /// Those that this app has started, for its health.
    pub(super) workers_here: WorkersHere,
    pub(super) topology: Topology,
    pub(super) warnings: Vec<Warning>,
}

impl App {
    /// Starts to build an app.
    #[cfg(feature = "tokio")]
    pub fn builder() -> AppBuilder {
        AppBuilder::new(Env::system())
    }

    /// Starts to build an app on other ports for time, chance, ids and tasks.
    pub fn builder_in(env: Env) -> AppBuilder {
        AppBuilder::new(env)
    }

    /// The same app for one request: what it dispatches and decides carries this metadata.
    #[must_use]
    pub fn with_metadata(&self, metadata: Metadata) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            metadata: self.metadata.merged(metadata),
            principal: self.principal.clone(),
        }
    }

    /// The same app for one request: what it dispatches and decides is on behalf of this principal, where nothing else is
    /// said.
    #[must_use]
    pub fn by(&self, principal: Principal) -> Self {
        Self {
            principal: Some(principal),
            ..self.clone()
        }
    }

    /// The commands that its actors decide.
    ///
    /// Which of them the outside may send is for the program to choose: see [`App::gateway`].
    pub fn commands(&self) -> Registry {
        let mut registry = Registry::new();
        let commands = self.inner.reactors.iter().map(|reactor| reactor.commands());
        commands.flatten().for_each(|command| registry.add(command));
        registry
    }

    /// The way in for commands from outside, of which these are let through.
    pub fn gateway(&self, exposed: Registry) -> Gateway {
        Gateway::new(exposed)
    }

    /// One actor, by its stream: a method per command, decided here and now.
    pub fn actor<A: Actor>(&self, stream: impl IntoStreamId) -> A::Ref {
        self.actor_ref::<A>(stream).into()
    }

    /// Loads an actor's state after all events of its stream.
    ///
    /// # Errors
    /// [`Failure`] when the actor is not registered, or its history cannot be read or does not fit it.
    pub async fn load<A: Actor>(&self, stream: impl IntoStreamId) -> Result<Loaded<A>, Failure> {
        self.actor_ref::<A>(stream).load().await
    }

    fn actor_ref<A: Actor>(&self, stream: impl IntoStreamId) -> ActorRef<A> {
        let handlers = self.inner.reactors.iter().find_map(|reactor| {
            let reactor: &dyn Any = &**reactor;
            reactor
                .downcast_ref::<ActorReactor<A>>()
                .map(|reactor| Arc::clone(reactor.handlers()))
        });
        ActorRef::new(
            stream,
            handlers,
            Arc::clone(&self.inner.services),
            self.metadata_now().sealed(self.principal.as_ref()),
        )
    }

    /// Says what a command would lead to now, and stores nothing: [`Outcome::Applied`] with the events as they would be
    /// stored, [`Outcome::Refused`], or [`Outcome::Failed`].
    ///
    /// The handlers are those of the real thing, so a command method that reaches out does so here too. The places of
    /// the events are provisional.
    ///
    /// ```
    /// use sourced::Outcome;
    /// use sourced::prelude::*;
    ///
    /// #[derive(Debug, Default)]
    /// struct Door;
    ///
    /// #[actor]
    /// impl Door {
    ///     #[command]
    ///     fn open(&self) -> Opened {
    ///         Opened
    ///     }
    ///
    ///     #[event]
    ///     fn opened(&mut self) {}
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().register::<Door>().build().await?;
    /// let Outcome::Applied(events) = app.decide(Open.to("door-1")).await? else {
    ///     panic!("the door is locked")
    /// };
    /// assert_eq!(events[0].type_name.as_str(), "door.opened");
    /// assert!(app.actor::<Door>("door-1").history().await.unwrap().is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`DispatchError`] when nobody decides the command, it has no stream, or the storage does not answer.
    pub async fn decide(&self, command: impl Into<Outgoing>) -> Result<Outcome, DispatchError> {
        let (stream, parcel) = self.parcel(command.into())?;
        dry_run(&self.inner, stream, parcel.message)
            .await
            .map_err(|error| DispatchError::Append(AppendError::Backend(error)))
    }

    /// Reads a document that a projection has written with [`Tx::put`](crate::Tx::put).
    ///
    /// # Errors
    /// As [`Reader::document`].
    pub async fn document<T: DeserializeOwned>(
        &self,
        collection: &str,
        key: impl AsRef<str>,
    ) -> Result<Option<T>, Failure> {
        self.reader().document(collection, key).await
    }

    /// Reads a page of a collection that projections have written with [`Tx::put`](crate::Tx::put), in the byte order of
    /// the keys: at most `limit` documents after the key `after`.
    ///
    /// # Errors
    /// As [`Reader::documents`].
    pub async fn documents<T: DeserializeOwned>(
        &self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, T)>, Failure> {
        self.reader().documents(collection, after, limit).await
    }

    /// Starts a unit: a command and everything that follows from it, at once and all or nothing.
    pub fn unit(&self) -> Unit {
        Unit::new(self.clone())
    }

    /// What became of a command, by its id.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn outcome(&self, command: MessageId) -> Result<Outcome, BackendError> {
        super::receipt::outcome(&self.inner, command).await
    }

    /// What is meant of the log of all streams, as a feed: see [`Feed`].
    pub fn log(&self, selection: Selection) -> Feed {
        self.reader().log(selection)
    }

    /// Reads what is stored, and cannot write: to be handed to what must not.
    pub fn reader(&self) -> Reader {
        let backend: Arc<dyn Backend> = Arc::clone(self.backend());
        Reader::with_clock(backend, Arc::clone(&self.env().clock))
    }

    /// Resolves when every message stored so far, and all that follows from them, is handled, or waits for a person. The
    /// answer says whether anything does. Scheduled messages count from their time on, by the clock of the app.
    ///
    /// Somebody's workers must be running: this app's or another process's. A message that failed is waited for until it
    /// is tried again. With a clock that is moved by hand that is when somebody has moved it.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    pub async fn idle(&self) -> Result<Idle, BackendError> {
        let groups: Vec<_> = self.inner.groups();
        let mut pause = Duration::from_millis(5);
        // Taken before the first look, so that nothing handled after it goes unnoticed.
        let mut signal = self.backend().signal();
        while self.has_work(&groups).await? {
            let sleep = self.env().clock.sleep(pause);
            // A clock that stands still ends no pause, but storage that has such a clock tells of all that is handled.
            tokio::select! {
                biased;
                () = signal.raised() => {}
                () = sleep => pause = (pause * 2).min(Duration::from_millis(100)),
            }
        }
        let mut idle = Idle::default();
        for status in self.backend().groups().await? {
            if groups.contains(&status.id) {
                idle.parked += status.parked;
                if !status.state.is_active() {
                    idle.stopped.push(status.id);
                }
            }
        }
        Ok(idle)
    }

    /// Whether anything is left that no person has to see to.
    async fn has_work(&self, groups: &[GroupId]) -> Result<bool, BackendError> {
        // Looked at first: what enters its stream after this look is found by the next.
        let next = self.backend().scheduled(None, 1).await?.pop();
        if next.is_some_and(|next| next.at <= self.env().clock.now()) {
            // A promoter may sleep although the clock was moved past its time, and knows no better.
            self.inner.scheduled.raise();
            return Ok(true);
        }
        Ok(self.backend().pending_lanes(groups).await? > 0)
    }

    /// Starts workers beside whatever else the program does. They stop when told, see [`Running::stop`].
    pub fn start(&self) -> Running {
        Running::start(&self.inner)
    }

    /// Wakes the workers of this process, and those of others that the backend reaches: there may be work. For after the
    /// commit of a transaction that a unit has joined; everything else does it by itself, and without it they find the
    /// work when they look next.
    pub fn wake(&self) {
        self.backend().wake();
        self.inner.scheduled.raise();
    }

    /// Runs workers until SIGTERM or ctrl-c, then lets running handlers finish.
    ///
    /// # Errors
    /// [`std::io::Error`] when the signals cannot be listened to.
    #[cfg(feature = "tokio")]
    pub async fn run(&self) -> std::io::Result<super::StopReport> {
        let stop_asked_for = super::running::stop_signal()?;
        let running = self.start();
        stop_asked_for.await;
        Ok(running.stop().await)
    }

    /// What leads to what: commands, events, automations and read models, from the types that handlers return.
    pub fn topology(&self) -> &Topology {
        &self.inner.topology
    }

    /// What was suspicious when the app was built, and may be meant. Each was also logged as a warning.
    pub fn warnings(&self) -> &[Warning] {
        &self.inner.warnings
    }

    /// The storage, for what has no call here yet.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.inner.services.backend
    }

    /// The ports it runs on.
    pub fn env(&self) -> &Env {
        &self.inner.services.env
    }
}

/// What is left when everything is handled that can be: see [`App::idle`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Idle {
    /// Streams that are parked, counted for each group of the app up to
    /// [`GroupStatus::MOST_COUNTED`](crate::backend::GroupStatus::MOST_COUNTED).
    pub parked: u64,
    /// Groups of the app that are stopped. Their messages were not waited for.
    pub stopped: Vec<GroupId>,
}

impl Idle {
    /// Whether nothing waits for a person.
    pub fn is_done(&self) -> bool {
        self.parked == 0 && self.stopped.is_empty()
    }
}

/// Hands a command that is not stored to the reactor that decides it, and throws away what that would have stored.
async fn dry_run(
    app: &Inner,
    stream: StreamId,
    message: NewMessage,
) -> Result<Outcome, BackendError> {
    let group = app.deciders.get(&message.type_name);
    let Some(reactor) = app
        .reactors
        .iter()
        .find(|reactor| Some(reactor.group()) == group)
    else {
        return Ok(Outcome::Unknown);
    };
    let backend = &app.services.backend;
    let snapshot = backend.snapshot(reactor.group(), &stream).await?;
    // Whether or not it can be used, the stream goes as far as it does.
    let known = snapshot.map(|snapshot| snapshot.seq);
    let read = ReadStream::all(stream.clone()).after(known);
    let stored = backend.read_stream(read).await?;
    let seq = Seq::after(stored.last().map(|message| message.seq).or(known));
    let end = app.services.backend.log_end().await?;
    let message = StoredMessage::stored(message, stream.clone(), seq, end);
    let batch = Batch {
        stream: &stream,
        deliveries: &[Delivery {
            message,
            replaying: false,
        }],
        streams: app.services.streams(),
        services: &app.services,
        progress: &Progress::default(),
    };
    let handled = handle_guarded(&**reactor, &batch).await?;
    if let Some(failure) = handled.failure {
        return Ok(Outcome::Failed(failure.chain()));
    }
    if let Some(refusal) = handled.refusals.into_iter().next() {
        return Ok(Outcome::Refused(refusal.error.chain()));
    }
    let mut events = Vec::new();
    for append in handled.appends {
        let mut last = (append.stream == stream).then_some(seq);
        for event in append.messages {
            let next = Seq::after(last);
            last = Some(next);
            events.push(StoredMessage::stored(
                event,
                append.stream.clone(),
                next,
                end,
            ));
        }
    }
    Ok(Outcome::Applied(events))
}

impl Inner {
    /// What becomes of a message that failed, by the strategy of its reactor or that of the app.
    pub(super) fn verdict(&self, failed: &FailedAttempt<'_>) -> Verdict {
        let own = self.options.get(failed.group);
        let own = own.and_then(|options| options.retry.as_ref());
        let strategy = own.unwrap_or(&self.workers.retry);
        let verdict = catch_unwind(AssertUnwindSafe(|| strategy.verdict(failed)));
        verdict.unwrap_or_else(|_| {
            tracing::error!(group = %failed.group, stream = %failed.stream, "an error strategy panicked");
            Verdict::Park
        })
    }

    /// Tells the hooks what became of it.
    pub(super) fn tell(&self, failed: &FailedAttempt<'_>, verdict: Verdict) {
        self.workers.hooks.call(failed, verdict);
        if let Some(options) = self.options.get(failed.group) {
            options.hooks.call(failed, verdict);
        }
    }

    /// How many messages of one of its lanes a group is given at once.
    pub(super) fn messages_per_lane(&self, group: &GroupId) -> usize {
        let own = self
            .options
            .get(group)
            .and_then(|own| own.messages_per_lane);
        own.unwrap_or(match self.order_of(group) {
            GroupOrder::PerStream => self.workers.messages_per_lane,
            GroupOrder::Global => MESSAGES_OF_THE_LOG,
        })
    }

    /// In which order a group is given its messages.
    pub(super) fn order_of(&self, group: &GroupId) -> GroupOrder {
        self.reactor_of(group)
            .map_or_else(GroupOrder::default, Reactor::order)
    }

    /// Whether a group may be given stretches of the log.
    pub(super) fn takes_stretches(&self, group: &GroupId) -> bool {
        self.reactor_of(group).is_some_and(Reactor::takes_stretches)
    }

    /// The reactor that handles the messages of a group.
    pub(super) fn reactor_of(&self, group: &GroupId) -> Option<&dyn Reactor> {
        let mut reactors = self.reactors.iter().map(|reactor| &**reactor);
        reactors.find(|reactor| reactor.group() == group)
    }

    pub(super) fn groups(&self) -> Vec<GroupId> {
        self.reactors
            .iter()
            .map(|reactor| reactor.group().clone())
            .collect()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("groups", &self.inner.groups())
            .finish_non_exhaustive()
    }
}
