//! Actors by their stream: loading them, and deciding a command at once.

use std::fmt;
use std::sync::Arc;

use super::run::{events_of, evolve_all, group_of};
use super::{Actor, Decides, Emit, Handlers, IntoDecision, Rejected};
use crate::backend::{AppendError, BackendError, ReadStream, StreamAppend};
use crate::failure::Failure;
use crate::message::{
    BrokenRules, Command, Kind, Metadata, NewMessage, Payload, PayloadError, ReservedKey,
    StoredMessage, TypeName,
};
use crate::reactor::{Context, Services, guarded};
use crate::stream::{ExpectedSeq, IntoStreamId, InvalidName, Position, Seq, StreamId};

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

    /// Loads the state after all events.
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
        let Target { stream, handlers } = self.target.clone()?;
        let read = ReadStream::all(stream.clone())
            .only(Kind::Event)
            .upto(upto.into());
        let events = self.services.backend.read_stream(read).await?;
        let state = guarded(async {
            let mut state = A::initial(&stream);
            evolve_all(&handlers, &mut state, &events)?;
            Ok(state)
        })
        .await?;
        Ok(Loaded {
            state,
            seq: events.last().map(|event| event.seq),
            stream,
        })
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
        let stream = self.target.clone().map_err(failed)?.stream;
        let broken = command.broken_rules();
        if !broken.is_empty() {
            return Err(failed(BrokenRules(broken)));
        }
        let mut message = self.command_message(&command).map_err(failed)?;
        // The answer is known before it is stored, so no worker has to find it.
        message.decided_by = Some(group_of::<A>());
        for _ in 0..MAX_DECISIONS {
            let loaded = self.load().await.map_err(CommandError::Failed)?;
            let provisional = StoredMessage::stored(
                message.clone(),
                stream.clone(),
                Seq::after(loaded.seq),
                Position::START,
            );
            let events = self.decide::<C>(&loaded.state, &provisional).await?;
            let mut emitted = Vec::new();
            events.emit(&mut emitted).map_err(failed)?;
            let mut messages = vec![message.clone()];
            messages.extend(events_of(&self.services.env, &provisional, emitted));
            let expected = ExpectedSeq::NoEventAfter(loaded.seq);
            match self
                .append(StreamAppend {
                    stream: stream.clone(),
                    expected,
                    messages,
                })
                .await
            {
                Ok(()) => return Ok(events),
                Err(error) if error.is_conflict() => {}
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

    async fn decide<C: Command>(
        &self,
        state: &A,
        message: &StoredMessage,
    ) -> Result<EventsOf<A, C>, CommandError<RefusalOf<A, C>>>
    where
        A: Decides<C>,
    {
        let cx = Context::live(message, &self.services.env, &self.services.resources);
        let command = message.decode::<C>().map_err(failed)?;
        let decision = guarded(state.decide(command, &cx))
            .await
            .map_err(CommandError::Failed)?;
        decision.into_decision().map_err(|rejected| match rejected {
            Rejected::Refused(refusal) => CommandError::Refused(refusal),
            Rejected::Failed(failure) => CommandError::Failed(failure),
        })
    }

    /// Appends, and once more when nobody can tell whether it was stored: the same ids make that safe.
    async fn append(&self, append: StreamAppend) -> Result<(), AppendError> {
        let backend = &self.services.backend;
        match backend.append(vec![append.clone()]).await {
            Err(AppendError::Backend(error)) if error.is_transient() => {
                backend.append(vec![append]).await.map(drop)
            }
            other => other.map(drop),
        }
    }
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
    seq: Option<Seq>,
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
        self.seq
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
