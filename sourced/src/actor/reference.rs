//! Actors by their stream: loading them, and deciding a command at once.

use std::fmt;
use std::sync::Arc;

use tracing::Instrument as _;

use super::load::{Reach, TakeSnapshot, load};
use super::outage::tell_of_outage;
use super::reactions::join;
use super::run::{appends_of, group_of};
use super::{Actor, AnyEvent, Decides, Emit, Emitted, Handlers, IntoDecision, Rejected};
use crate::backend::{AppendError, BackendError, Memory, ReadStream, Store as _, StreamAppend};
use crate::failure::Failure;
use crate::message::{
    BrokenRules, Command, Kind, Message, Metadata, NewMessage, Payload, PayloadError, ReservedKey,
    StoredMessage, TypeName,
};
use crate::reactor::{Context, History, Services, guarded};
use crate::stream::{ExpectedSeq, IntoStreamId, InvalidName, Position, Seq, StreamId};
use crate::telemetry::{self, Decided, spans};

/// How often a decision is made again because somebody else appended an event meanwhile.
const MAX_DECISIONS: u32 = 64;

/// One actor of an app, by its stream.
///
/// [`ActorRef::execute`] decides a command here and now, with all the promises of a stored one. `#[actor]` writes a
/// method per command around it.
pub struct ActorRef<A> {
    target: Result<Target<A>, UnknownTarget>,
    services: Services,
    /// Of the program and of the library.
    metadata: Metadata,
}

/// Which stream, decided how.
struct Target<A> {
    stream: StreamId,
    handlers: Arc<Handlers<A>>,
}

/// Said when the reference is used, so that getting one stays a plain call.
#[derive(Debug, Clone, thiserror::Error)]
enum UnknownTarget {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Metadata(#[from] ReservedKey),
    #[error("the actor `{0}` is not registered: add `.register::<…>()` where the app is built")]
    NotRegistered(&'static str),
}

impl<A: Actor> ActorRef<A> {
    pub(crate) fn new(
        stream: impl IntoStreamId,
        handlers: Option<Arc<Handlers<A>>>,
        services: Services,
        metadata: Result<Metadata, ReservedKey>,
    ) -> Self {
        let target = || {
            let stream = stream.into_stream_id()?;
            let handlers = handlers.ok_or(UnknownTarget::NotRegistered(A::NAME))?;
            metadata.clone()?;
            Ok(Target { stream, handlers })
        };
        Self {
            target: target(),
            services,
            metadata: metadata.unwrap_or_default(),
        }
    }

    /// Loads the state after all events, from the newest snapshot that fits where there is one.
    ///
    /// # Errors
    /// [`Failure`] when the history cannot be read or does not fit the actor.
    pub async fn load(&self) -> Result<Loaded<A>, Failure> {
        self.load_upto(None).await
    }

    /// Loads the state after the events up to a seq, itself included.
    ///
    /// # Errors
    /// As [`ActorRef::load`].
    pub async fn load_upto(&self, upto: impl Into<Option<Seq>>) -> Result<Loaded<A>, Failure> {
        let upto = upto.into();
        self.load_with(upto, upto.map_or(Reach::Newest, Reach::UpTo))
            .await
    }

    async fn load_with(&self, upto: Option<Seq>, reach: Reach) -> Result<Loaded<A>, Failure> {
        let Target { stream, handlers } = self.target.clone()?;
        let read = ReadStream::all(stream.clone()).upto(upto);
        let found = load(&*self.services.streams(), &handlers, read, reach).await?;
        let (state, history) = guarded(async { found.fold(&handlers, &stream) }).await?;
        Ok(Loaded {
            state,
            history,
            stream,
        })
    }

    /// A copy of this actor in memory, with what has happened to it: its methods decide and evolve as they do here, give
    /// back the same events, and leave no trace here.
    ///
    /// Other streams do not exist there.
    ///
    /// ```
    /// # use sourced::prelude::*;
    /// # #[derive(Debug, Default)] struct Door { n_opened: u32 }
    /// # #[actor] impl Door {
    /// #     #[command] fn open(&self) -> Opened { Opened }
    /// #     #[event] fn opened(&mut self) { self.n_opened += 1; }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Failure> {
    /// # let app = App::builder().register::<Door>().build().await?;
    /// let door = app.actor::<Door>("door-1");
    /// door.open().await?;
    /// let twin = door.in_memory().await?;
    /// assert_eq!(twin.open().await?, Opened);
    /// assert_eq!(twin.load().await?.state().n_opened, 2);
    /// assert_eq!(door.load().await?.state().n_opened, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`ActorRef::load`].
    pub async fn in_memory(&self) -> Result<A::Ref, Failure> {
        let Target { stream, handlers } = self.target.clone()?;
        let read = ReadStream::all(stream.clone());
        let messages = self.services.backend.read_stream(read).await?;
        let backend = Memory::with_clock(Arc::clone(&self.services.env.clock));
        let copy = StreamAppend {
            stream: stream.clone(),
            expected: ExpectedSeq::NoStream,
            messages: messages.into_iter().map(NewMessage::from).collect(),
        };
        backend.append(vec![copy]).await?;
        let twin = Self {
            target: Ok(Target { stream, handlers }),
            services: Services {
                backend: Arc::new(backend),
                ..self.services.clone()
            },
            metadata: self.metadata.clone(),
        };
        Ok(twin.into())
    }

    /// Reads what happened to the actor, as its own type of events. Events of other actors in the same stream are left
    /// out.
    ///
    /// # Errors
    /// As [`ActorRef::load`].
    pub async fn history(&self) -> Result<Vec<Message<A::Event>>, Failure> {
        let stream = self.target.clone()?.stream;
        let read = ReadStream::all(stream).only(Kind::Event);
        let mut history = Vec::new();
        for event in self.services.backend.read_stream(read).await? {
            if let Some(payload) = A::Event::read(&event)? {
                history.push(event.with_payload(payload));
            }
        }
        Ok(history)
    }

    /// Decides a command here and now: load, decide, append the command with its events in one transaction, or decide
    /// again when somebody else appended an event meanwhile.
    ///
    /// A refused command stores nothing: its refusal is the answer. Reactions and projections follow in the background.
    ///
    /// # Errors
    /// [`CommandError::Refused`] with the domain's own error, [`CommandError::Failed`] for everything else: also for
    /// [`BrokenRules`] of the command's fields, which are the source of the failure then.
    pub async fn execute<C: Command>(
        &self,
        command: C,
    ) -> Result<EventsOf<A, C>, CommandError<RefusalOf<A, C>>>
    where
        A: Decides<C>,
    {
        let Target { stream, handlers } = self.target.clone().map_err(failed)?;
        let broken = command.broken_rules();
        if !broken.is_empty() {
            return Err(failed(BrokenRules(broken)));
        }
        let mut message = self.command_message(&command).map_err(failed)?;
        // The answer is known before it is stored, so no worker has to find it.
        message.decided_by = Some(group_of::<A>());
        for _ in 0..MAX_DECISIONS {
            let reach = handlers.reach(&message.type_name, Reach::Newest);
            let loaded = self
                .load_with(None, reach)
                .await
                .map_err(CommandError::Failed)?;
            let provisional = StoredMessage::stored(
                message.clone(),
                stream.clone(),
                Seq::after(loaded.seq()),
                Position::START,
            );
            let (events, guards) = self.decide::<C>(&loaded, &provisional).await?;
            let mut emitted = Vec::new();
            events.emit(&mut emitted).map_err(failed)?;
            let n_before = loaded.history.len();
            let is_own = |event: &&Emitted| event.elsewhere.is_none();
            let n_own = emitted.iter().filter(is_own).count();
            let mut appends = vec![StreamAppend {
                stream: stream.clone(),
                expected: ExpectedSeq::NoEventAfter(loaded.seq()),
                messages: vec![message.clone()],
            }];
            let led_to = appends_of(&self.services.env, &provisional, loaded.seq(), emitted);
            for append in led_to.into_iter().chain(guards) {
                join(&mut appends, append);
            }
            match self.append(appends).await {
                Ok(()) => {
                    let due = TakeSnapshot::if_due(&handlers, &stream, n_before, n_before + n_own);
                    if let Some(due) = due {
                        due.run(&self.services).await;
                    }
                    return Ok(events);
                }
                Err(error) if error.is_conflict() => {
                    telemetry::CONFLICTS.add(1, &[("group", A::NAME)]);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Err(CommandError::Failed(Failure::msg(format!(
            "stream `{stream}` was changed by others {MAX_DECISIONS} times while the command was being decided"
        ))))
    }

    fn command_message<C: Command>(&self, command: &C) -> Result<NewMessage, PayloadError> {
        let env = &self.services.env;
        let payload = Payload::encode(command)?;
        let id = env.ids.next_id().into();
        let mut message = NewMessage::root(
            id,
            env.clock.now(),
            TypeName::of::<C>(),
            Kind::Command,
            payload,
        );
        message.metadata = self.metadata.clone();
        Ok(message)
    }

    /// Gives the events, and what the decision relies on in other streams.
    async fn decide<C: Command>(
        &self,
        loaded: &Loaded<A>,
        message: &StoredMessage,
    ) -> Result<(EventsOf<A, C>, Vec<StreamAppend>), CommandError<RefusalOf<A, C>>>
    where
        A: Decides<C>,
    {
        let cx = Context::live(message, &self.services).with_history(loaded.history.clone());
        let command = message.decode::<C>().map_err(failed)?;
        let span = spans::decide(A::NAME, message, message);
        let decision = guarded(loaded.state.decide(command, &cx))
            .instrument(span.clone())
            .await
            .map_err(CommandError::Failed);
        let decision = decision.and_then(|decision| match decision.into_decision() {
            Ok(events) => Ok((events, cx.guards())),
            Err(Rejected::Refused(refusal)) => {
                tell_of_outage(message, &refusal);
                Err(CommandError::Refused(refusal))
            }
            Err(Rejected::Failed(failure)) => Err(CommandError::Failed(failure)),
        });
        let decided = match &decision {
            Ok(_) => Decided::Applied,
            Err(CommandError::Refused(_)) => Decided::Refused,
            Err(CommandError::Failed(_)) => Decided::Failed,
        };
        telemetry::decided(&span, A::NAME, decided);
        decision
    }

    /// Appends, and once more when nobody can tell whether it was stored: the same ids make that safe.
    async fn append(&self, appends: Vec<StreamAppend>) -> Result<(), AppendError> {
        let backend = &self.services.backend;
        match backend.append(appends.clone()).await {
            Err(AppendError::Backend(error)) if error.is_transient() => {
                backend.append(appends).await.map(drop)
            }
            other => other.map(drop),
        }
    }
}

/// Makes a struct around an [`ActorRef`] a reference itself; `#[actor]` writes the struct.
#[doc(hidden)]
#[macro_export]
macro_rules! __actor_ref {
    ($name:ident) => {
        #[automatically_derived]
        impl<__Actor> ::core::convert::From<$crate::__private::ActorRef<__Actor>>
            for $name<__Actor>
        {
            fn from(actor: $crate::__private::ActorRef<__Actor>) -> Self {
                Self(actor)
            }
        }
        #[automatically_derived]
        impl<__Actor> ::core::clone::Clone for $name<__Actor> {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        #[automatically_derived]
        impl<__Actor> ::core::fmt::Debug for $name<__Actor> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.0, f)
            }
        }
        #[automatically_derived]
        impl<__Actor> ::core::ops::Deref for $name<__Actor> {
            type Target = $crate::__private::ActorRef<__Actor>;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}

/// The events a command leads to, as its method returns them.
pub type EventsOf<A, C> = <<A as Decides<C>>::Decision as IntoDecision<A>>::Events;

/// The error type a command is refused with.
pub type RefusalOf<A, C> = <<A as Decides<C>>::Decision as IntoDecision<A>>::Refusal;

fn failed<E>(error: impl Into<Failure>) -> CommandError<E> {
    CommandError::Failed(error.into())
}

impl<A> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self {
            target: self.target.clone(),
            services: self.services.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

impl<A> Clone for Target<A> {
    fn clone(&self) -> Self {
        Self {
            stream: self.stream.clone(),
            handlers: Arc::clone(&self.handlers),
        }
    }
}

impl<A> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.target.as_ref().map(|target| &target.stream);
        f.debug_struct("ActorRef")
            .field("stream", &stream)
            .finish_non_exhaustive()
    }
}

/// An actor's state, and how far its stream had come.
#[derive(Debug, Clone)]
pub struct Loaded<A> {
    state: A,
    history: History,
    stream: StreamId,
}

impl<A> Loaded<A> {
    /// The state.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// Takes the state out.
    pub fn into_state(self) -> A {
        self.state
    }

    /// The seq of the last event in the state; `None` when there was none.
    pub fn seq(&self) -> Option<Seq> {
        self.history.last_seq()
    }

    /// The events that the state is made of, as they are stored, and others of the same stream.
    ///
    /// Of an actor with snapshots, those after the snapshot that it was loaded from: [`ActorRef::history`] gives all.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The stream.
    pub fn stream_id(&self) -> &StreamId {
        &self.stream
    }
}

/// Why a command was not applied.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<E> {
    /// The domain said no. Nothing was stored.
    #[error("{0}")]
    Refused(#[source] E),
    /// Something went wrong. Nothing was stored, unless the text says that nobody can tell.
    #[error("{0}")]
    Failed(Failure),
}

impl<E> CommandError<E> {
    /// The domain's answer, if there was one.
    pub fn refusal(self) -> Option<E> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Failed(_) => None,
        }
    }
}

impl<E> From<BackendError> for CommandError<E> {
    fn from(error: BackendError) -> Self {
        failed(error)
    }
}

impl<E> From<InvalidName> for CommandError<E> {
    fn from(error: InvalidName) -> Self {
        failed(error)
    }
}
