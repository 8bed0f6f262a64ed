//! The table of an actor's handlers, filled by generated code and read by the functions of this module.

use std::collections::HashMap;
use std::fmt;

use futures_util::future::BoxFuture;

use super::load::Reach;
use super::other::NoOther;
use super::outage::tell_of_outage;
use super::run::{evolve_all, group_of};
use super::snapshots::SnapshotRule;
use super::{
    Actor, Decides, Emit, Emitted, Fingerprint, IntoDecision, Reactions, Reacts, Rejected,
    SnapshotState,
};
use crate::evolve::{Evolution, Evolves};
use crate::failure::Failure;
use crate::message::{Command, Event, MessageType, PayloadError, Sampler, StoredMessage, TypeName};
use crate::reactor::{Clash, Context, FromContext, Needs, Rows};
use crate::registry::CommandType;
use crate::stream::{GroupId, StreamId};
use crate::topology::{Flow, Produces};

/// What came of a stored command: its events, or the reason why not.
pub(super) type Decided = Result<Vec<Emitted>, Rejected<Failure>>;

type DecideRow<A> = for<'a> fn(&'a A, &'a StoredMessage, &'a Context) -> BoxFuture<'a, Decided>;

/// The handlers of an actor, a row each.
pub struct Handlers<A> {
    commands: Rows<DecideRow<A>>,
    evolution: Evolution<A>,
    reactions: Reactions<A>,
    command_types: Vec<CommandType>,
    /// Of the commands, and of the events it evolves by.
    samplers: Vec<Vec<Sampler>>,
    needs: Needs,
    flow: Flow,
    snapshots: Option<SnapshotRule<A>>,
    /// The messages whose handlers need more than the state.
    readers: HashMap<TypeName, Reach>,
    group: GroupId,
}

impl<A: Actor> Handlers<A> {
    /// The table of this actor.
    ///
    /// # Panics
    /// When the actor's name is not a group id, which `#[actor]` does not let happen.
    pub fn of_actor() -> Self {
        let group = group_of::<A>();
        let mut table = Self {
            commands: Rows::default(),
            evolution: Evolution::new(),
            reactions: Reactions::new(),
            command_types: Vec::new(),
            samplers: Vec::new(),
            needs: Needs::default(),
            flow: Flow::of_type::<A>(group.clone()),
            snapshots: None,
            readers: HashMap::new(),
            group,
        };
        A::handlers(&mut table);
        table
    }

    /// A command it decides.
    pub fn command<C: Command>(&mut self) -> &mut Self
    where
        A: Decides<C>,
    {
        self.commands.insert::<C>(decide_row::<A, C>);
        self.command_types.push(CommandType::of::<C>());
        self.samplers.push(C::samplers());
        let mut produces = Produces::new();
        A::Decision::produces(&mut produces);
        self.flow.decides::<C>(produces);
        self
    }

    /// An event it evolves by.
    pub fn event<E: Event>(&mut self) -> &mut Self
    where
        A: Evolves<E>,
    {
        self.evolution.insert::<E>();
        self.samplers.push(E::samplers());
        self.flow.evolves::<E>();
        self
    }

    /// An event it reacts to.
    pub fn reaction<E: Event>(&mut self) -> &mut Self
    where
        A: Reacts<E>,
    {
        let produces = self.reactions.insert::<E>();
        self.flow.reacts::<E>(produces);
        self
    }

    /// An event that its reaction to all events without one of their own serves.
    pub fn rest_reaction<E: Event>(&mut self) -> &mut Self
    where
        A: Reacts<E>,
    {
        let produces = self.reactions.insert::<E>();
        self.flow.reacts_to_rest::<E>(produces);
        self
    }

    /// What runs before each event it evolves by.
    pub fn before_evolve(&mut self, before: fn(&mut A, &StoredMessage)) -> &mut Self {
        self.evolution.before(before);
        self
    }

    /// Something its handlers ask for.
    pub fn needs<T: FromContext>(&mut self) -> &mut Self {
        self.needs.add::<T>();
        self
    }

    /// That a snapshot is taken of it after every so many events.
    pub fn snapshots_every(&mut self, every: u32, fingerprint: &'static Fingerprint) -> &mut Self
    where
        A: SnapshotState,
    {
        self.snapshots = Some(SnapshotRule::every(every, fingerprint));
        self
    }

    /// A message whose handler asks for the history, for which neither a snapshot nor a known state will do.
    pub fn reads_history<M: MessageType>(&mut self) -> &mut Self {
        self.reads::<M>(Reach::Beginning)
    }

    /// A command that is decided step by step, on a second state that is made of the same events.
    pub fn emits<C: Command>(&mut self) -> &mut Self {
        self.reads::<C>(Reach::Snapshot)
    }

    fn reads<M: MessageType>(&mut self, reach: Reach) -> &mut Self {
        for name in TypeName::all_of::<M>() {
            let farthest = self.readers.entry(name).or_insert(reach);
            *farthest = reach.min(*farthest);
        }
        self
    }

    /// Samples of each of its commands and of the events it evolves by: those of today's type first, then those of the
    /// types whose place it took.
    pub fn samplers(&self) -> &[Vec<Sampler>] {
        &self.samplers
    }

    /// The state after these events, which are all there are in this stream.
    ///
    /// # Errors
    /// [`Failure`] when an event does not fit the actor.
    pub fn fold(&self, stream: &StreamId, events: &[StoredMessage]) -> Result<A, Failure> {
        self.fold_on(A::initial(stream), events)
    }

    /// The state after these events, which come after this state.
    ///
    /// # Errors
    /// [`Failure`] when an event does not fit the actor.
    pub fn fold_on(&self, mut state: A, events: &[StoredMessage]) -> Result<A, Failure> {
        evolve_all(self, &mut state, events)?;
        Ok(state)
    }

    /// What becomes of a state that is stored as a snapshot; `None` when there are none of the actor.
    ///
    /// # Errors
    /// [`PayloadError`] when it cannot be written, or cannot be read again.
    pub fn through_snapshot(&self, state: &A) -> Option<Result<A, PayloadError>> {
        let rule = self.snapshots()?;
        Some(rule.encode(state).and_then(|stored| rule.decode(&stored)))
    }

    /// Decides a command on this state, as a worker would, and stores nothing; `None` when it is none of the actor's.
    ///
    /// # Errors
    /// [`Rejected`] when the command was not applied.
    pub async fn decide_on(
        &self,
        state: &A,
        command: &StoredMessage,
        cx: &Context,
    ) -> Option<Result<Vec<Emitted>, Rejected<Failure>>> {
        let decide = self.decide(&command.type_name)?;
        Some(decide(state, command, cx).await)
    }

    /// The consumer group of the actor.
    pub(super) fn group(&self) -> &GroupId {
        &self.group
    }

    pub(super) fn snapshots(&self) -> Option<&SnapshotRule<A>> {
        self.snapshots.as_ref()
    }

    /// How far back to read for a message of this type: so far, unless its handler needs more.
    pub(super) fn reach(&self, type_name: &TypeName, otherwise: Reach) -> Reach {
        let needed = self.readers.get(type_name);
        needed.map_or(otherwise, |reach| otherwise.min(*reach))
    }

    /// Whether any handler reads streams from their beginning.
    pub(super) fn asks_for_history(&self) -> bool {
        let mut reaches = self.readers.values();
        reaches.any(|reach| *reach == Reach::Beginning)
    }

    pub(super) fn decide(&self, type_name: &TypeName) -> Option<DecideRow<A>> {
        self.commands.get(type_name)
    }

    pub(super) fn reactions(&self) -> &Reactions<A> {
        &self.reactions
    }

    pub(super) fn evolution(&self) -> &Evolution<A> {
        &self.evolution
    }

    pub(super) fn command_types(&self) -> impl Iterator<Item = &TypeName> {
        self.commands.names()
    }

    pub(super) fn clashes(&self) -> impl Iterator<Item = &Clash> {
        let commands = self.commands.clashes().iter();
        commands
            .chain(self.evolution.clashes())
            .chain(self.reactions.clashes())
    }

    pub(super) fn registered(&self) -> &[CommandType] {
        &self.command_types
    }

    pub(super) fn flow(&self) -> &Flow {
        &self.flow
    }

    pub(super) fn all_needs(&self) -> &Needs {
        &self.needs
    }
}

impl<A> fmt::Debug for Handlers<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("commands", &self.commands.names().collect::<Vec<_>>())
            .field("events", &self.evolution)
            .field("reactions", &self.reactions)
            .finish_non_exhaustive()
    }
}

fn decide_row<'a, A: Actor + Decides<C>, C: Command>(
    actor: &'a A,
    message: &'a StoredMessage,
    cx: &'a Context,
) -> BoxFuture<'a, Decided> {
    Box::pin(async move {
        let command = message.decode().map_err(failed)?;
        let decision = actor.decide(command, cx).await.map_err(not_called)?;
        let events = decision
            .into_decision()
            .map_err(|rejected| match rejected {
                Rejected::Refused(refusal) => {
                    tell_of_outage(message, &refusal);
                    Rejected::Refused(refusal.into())
                }
                Rejected::Failed(failure) => Rejected::Failed(failure),
            })?;
        let mut emitted = Vec::new();
        events.emit(&mut emitted).map_err(failed)?;
        Ok(emitted)
    })
}

fn not_called(failure: Failure) -> Rejected<Failure> {
    if failure.source().is::<NoOther>() {
        Rejected::Refused(failure)
    } else {
        Rejected::Failed(failure)
    }
}

fn failed<E>(error: impl Into<Failure>) -> Rejected<E> {
    Rejected::Failed(error.into())
}
