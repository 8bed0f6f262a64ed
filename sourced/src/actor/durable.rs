//! Durable calls: deciding a command here and now, on a known state where there is one.

use std::error::Error as StdError;
use std::fmt;

use tracing::Instrument as _;

use super::known::Known;
use super::load::{Reach, TakeSnapshot};
use super::outage::tell_of_outage;
use super::reactions::join;
use super::reference::Target;
use super::run::appends_of;
use super::{Actor, ActorRef, Decides, Emit, IntoDecision, Rejected};
use crate::backend::{AppendError, Appended, BackendError, ExpectedSeq, ReadStream, StreamAppend};
use crate::failure::Failure;
use crate::message::{
    BrokenRules, Command, Kind, MessageType, NewMessage, Payload, PayloadError, StoredMessage,
    TypeName, Written,
};
use crate::reactor::{Context, History, Streams, guarded};
use crate::stream::{InvalidName, Position, Seq};
use crate::telemetry::{self, Decided, spans};

/// How often a decision is made again because somebody else appended an event meanwhile.
const MAX_DECISIONS: u32 = 64;

/// The events a command leads to, as its method returns them.
pub type EventsOf<A, C> = <<A as Decides<C>>::Decision as IntoDecision<A>>::Events;

/// The error type a command is refused with.
pub type RefusalOf<A, C> = <<A as Decides<C>>::Decision as IntoDecision<A>>::Refusal;

fn failed<E>(error: impl Into<Failure>) -> CommandError<E> {
    CommandError::Failed(error.into())
}

/// Why a command was not applied.
#[derive(Debug)]
pub enum CommandError<E> {
    /// The domain said no. Nothing was stored.
    Refused(E),
    /// Something went wrong. Nothing was stored, unless the text says that nobody can tell.
    Failed(Failure),
}

impl<E: fmt::Display> fmt::Display for CommandError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

impl<E: StdError + 'static> StdError for CommandError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Failed(failure) => Some(failure.source()),
        }
    }
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

impl<A: Actor> ActorRef<A> {
    /// Decides a command here and now: load, decide, append the command with its events in one transaction, or decide
    /// again when somebody else appended an event meanwhile. Where the state is known from an earlier decision, nothing is
    /// loaded.
    ///
    /// Calls of one process that are in conflict with each other take turns, in the order in which they came; others pause
    /// for a moment before they decide again.
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
        self.decide_now(command).await
    }

    /// As [`ActorRef::execute`], for a durable method: that it is a command, the table of the actor asks for.
    #[doc(hidden)]
    pub async fn decide_now<C: MessageType>(
        &self,
        command: C,
    ) -> Result<EventsOf<A, C>, CommandError<RefusalOf<A, C>>>
    where
        A: Decides<C>,
    {
        let target = self
            .target
            .as_ref()
            .map_err(|error| failed(error.clone()))?;
        let Target { stream, handlers } = target;
        let broken = command.broken_rules();
        if !broken.is_empty() {
            return Err(failed(BrokenRules(broken)));
        }
        let mut message = self.command_message(&command).map_err(failed)?;
        // The answer is known before it is stored, so no worker has to find it.
        message.decided_by = Some(handlers.group().clone());
        let mut command = Some(command);
        let reach = handlers.reach(&message.type_name, Reach::Newest);
        let streams = &**self.services.streams();
        let (turns, env) = (self.services.turns(), &self.services.env);
        let mut turn = turns.if_needed(stream, env).await;
        let find = Basis::find(streams, target, reach);
        let mut basis = find.await.map_err(CommandError::Failed)?;
        for n_conflicts in 0..MAX_DECISIONS {
            let before = basis.known.last;
            let (seq, position) = (Seq::after(basis.known.end), Position::START);
            let provisional = StoredMessage::stored(message.clone(), stream.clone(), seq, position);
            let command = match command.take() {
                Some(command) => command,
                None => C::read(C::NAME, &message.payload).map_err(failed)?,
            };
            let decided = self.decide(&basis, command, &provisional).await;
            let (events, guards) = match decided {
                Ok(decided) => decided,
                Err(no) => {
                    // No append finds out that a state which was known is not the newest.
                    if !basis.is_current {
                        let refresh = basis.refresh(streams, target, reach);
                        if refresh.await.map_err(CommandError::Failed)? {
                            continue;
                        }
                    }
                    return Err(basis.said(no, &provisional, streams));
                }
            };
            let mut emitted = Vec::new();
            events.emit(&mut emitted).map_err(failed)?;
            let mut messages = Vec::with_capacity(1 + emitted.len());
            messages.push(message.clone());
            let mut appends = vec![StreamAppend {
                stream: stream.clone(),
                expected: ExpectedSeq::last_event(before),
                messages,
            }];
            let led_to = appends_of(&self.services.env, &provisional, before, emitted);
            for append in led_to.into_iter().chain(guards) {
                join(&mut appends, append);
            }
            let n_before = basis.known.n_events;
            let goes_on = basis.go_on(target, seq, &appends[0].messages);
            goes_on.await.map_err(CommandError::Failed)?;
            match self.append(&appends).await {
                Ok(places) => {
                    self.note(&appends, &places);
                    let own = &places[..appends[0].messages.len().min(places.len())];
                    self.applied(basis, target, n_before, seq, own).await;
                    return Ok(events);
                }
                Err(error) if error.is_conflict() => {
                    telemetry::CONFLICTS.add(1, &[("group", A::NAME)]);
                    match &turn {
                        None => turn = Some(turns.take(stream, env).await),
                        Some(turn) => turn.pause(env, n_conflicts).await,
                    }
                    let refresh = basis.refresh(streams, target, reach);
                    refresh.await.map_err(CommandError::Failed)?;
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Err(CommandError::Failed(Failure::msg(format!(
            "stream `{stream}` was changed by others {MAX_DECISIONS} times while the command was being decided"
        ))))
    }

    fn command_message<C: MessageType>(&self, command: &C) -> Result<NewMessage, PayloadError> {
        let env = &self.services.env;
        let Written { payload, .. } = Payload::of(command)?;
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
    async fn decide<C: MessageType>(
        &self,
        basis: &Basis<A>,
        command: C,
        message: &StoredMessage,
    ) -> Result<(EventsOf<A, C>, Vec<StreamAppend>), Rejected<RefusalOf<A, C>>>
    where
        A: Decides<C>,
    {
        let cx = Context::live(message, &self.services).with_history(basis.history.clone());
        let command = message.envelope().with_payload(command);
        let span = spans::decide(A::NAME, message, message);
        let decision = guarded(async { basis.known.state.decide(command, &cx).await });
        let decision = decision.instrument(span.clone()).await;
        let decision = decision
            .map_err(Rejected::Failed)
            .and_then(IntoDecision::into_decision);
        let decided = match &decision {
            Ok(_) => Decided::Applied,
            Err(Rejected::Refused(_)) => Decided::Refused,
            Err(Rejected::Failed(_)) => Decided::Failed,
        };
        telemetry::decided(&span, A::NAME, decided);
        Ok((decision?, cx.into_guards()))
    }

    /// Appends, and once more when nobody can tell whether it was stored: the same ids make that safe.
    async fn append(&self, appends: &[StreamAppend]) -> Result<Vec<Appended>, AppendError> {
        let backend = &self.services.backend;
        match backend.append(appends.to_vec()).await {
            Err(AppendError::Backend(error)) if error.is_transient() => {
                backend.append(appends.to_vec()).await
            }
            other => other,
        }
    }

    /// What is stored now is known for the next decision, and may be due for a snapshot.
    async fn applied(
        &self,
        Basis {
            mut known,
            is_ahead,
            ..
        }: Basis<A>,
        Target { stream, handlers }: &Target<A>,
        n_before: usize,
        foreseen: Seq,
        own: &[Appended],
    ) {
        let n_now = known.n_events;
        // A command that came in between has shifted the seqs, which the state may remember.
        let is_as_foreseen = own.first().is_some_and(|place| place.seq == foreseen);
        if is_as_foreseen || !is_ahead {
            known.end = own.last().map(|place| place.seq).max(known.end);
            known.keep(&**self.services.streams(), stream);
        }
        if let Some(due) = TakeSnapshot::if_due(handlers, stream, n_before, n_now) {
            due.run(&self.services).await;
        }
    }
}

/// What a decision is made on.
struct Basis<A> {
    known: Box<Known<A>>,
    /// For those who ask for it.
    history: History,
    /// Whether it was read for this decision. Otherwise others may have appended later events.
    is_current: bool,
    /// Whether the events of this decision are in the state, which are not stored yet.
    is_ahead: bool,
}

impl<A: Actor> Basis<A> {
    async fn find(
        streams: &dyn Streams,
        target: &Target<A>,
        reach: Reach,
    ) -> Result<Self, Failure> {
        if reach == Reach::Newest
            && let Some(known) = Known::take(streams, &target.stream)
        {
            return Ok(Self {
                known,
                history: History::default(),
                is_current: false,
                is_ahead: false,
            });
        }
        Self::load(streams, target, reach).await
    }

    async fn load(
        streams: &dyn Streams,
        target: &Target<A>,
        reach: Reach,
    ) -> Result<Self, Failure> {
        let read = ReadStream::all(target.stream.clone());
        let (known, history) = Known::load(streams, &target.handlers, read, reach).await?;
        Ok(Self {
            known: Box::new(known),
            history: match reach {
                Reach::Newest => History::default(),
                _ => history,
            },
            is_current: true,
            is_ahead: false,
        })
    }

    /// Changes the state by the events that are to be stored from this seq on: what it cannot go on with is not stored.
    ///
    /// # Errors
    /// [`Failure`] when they do not fit the actor. The state may be half changed then.
    async fn go_on(
        &mut self,
        Target { stream, handlers }: &Target<A>,
        first: Seq,
        messages: &[NewMessage],
    ) -> Result<(), Failure> {
        let seqs = std::iter::successors(Some(first), |seq| Some(Seq::after(Some(*seq))));
        let events = messages.iter().zip(seqs);
        let events = events.filter(|(message, _)| message.kind == Kind::Event);
        let events: Vec<_> = events
            .map(|(event, seq)| {
                StoredMessage::stored(event.clone(), stream.clone(), seq, Position::START)
            })
            .collect();
        self.is_ahead |= !events.is_empty();
        self.known.evolve(handlers, &events).await
    }

    /// Reads what others have appended; whether they have.
    async fn refresh(
        &mut self,
        streams: &dyn Streams,
        target: &Target<A>,
        reach: Reach,
    ) -> Result<bool, Failure> {
        if reach != Reach::Newest || self.is_ahead {
            *self = Self::load(streams, target, reach).await?;
            return Ok(true);
        }
        self.is_current = true;
        let catch_up = self
            .known
            .catch_up(streams, &target.handlers, &target.stream);
        catch_up.await
    }

    /// The answer to a command that was not applied.
    fn said<E: StdError + 'static>(
        self,
        no: Rejected<E>,
        message: &StoredMessage,
        streams: &dyn Streams,
    ) -> CommandError<E> {
        match no {
            Rejected::Refused(refusal) => {
                self.known.keep(streams, &message.stream_id);
                tell_of_outage(message, &refusal);
                CommandError::Refused(refusal)
            }
            Rejected::Failed(failure) => CommandError::Failed(failure),
        }
    }
}
