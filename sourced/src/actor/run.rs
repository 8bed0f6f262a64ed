//! Running an actor over a batch of messages: load, decide or react, collect what is to be stored.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Actor, Dispatched, Emitted, Handlers, Rejected};
use crate::backend::{BackendError, Delivery, ReadStream, Refusal, Scheduled, StreamAppend};
use crate::env::Env;
use crate::failure::Failure;
use crate::message::{Kind, NewMessage, PayloadError, StoredMessage, TypeName};
use crate::reactor::{Batch, Clash, Handled, Needs, Reactor, guarded};
use crate::registry::CommandType;
use crate::stream::{ExpectedSeq, GroupId, Position, Seq, StreamId};
use crate::topology::Flow;

/// Runs an actor's commands and reactions.
pub struct ActorReactor<A> {
    group: GroupId,
    handlers: Arc<Handlers<A>>,
}

impl<A: Actor> ActorReactor<A> {
    /// The table of its handlers.
    pub(crate) fn handlers(&self) -> &Arc<Handlers<A>> {
        &self.handlers
    }

    /// The reactor of this actor.
    ///
    /// # Panics
    /// When the actor's name is not a group id, which `#[actor]` does not let happen.
    pub fn shared() -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: group_of::<A>(),
            handlers: Arc::new(Handlers::of_actor()),
        })
    }
}

impl<A> fmt::Debug for ActorReactor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorReactor")
            .field("group", &self.group)
            .field("handlers", &self.handlers)
            .finish()
    }
}

/// The consumer group of an actor.
pub(super) fn group_of<A: Actor>() -> GroupId {
    GroupId::new(A::NAME).expect("an actor's name is a group id")
}

#[async_trait]
impl<A: Actor> Reactor for ActorReactor<A> {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        self.handlers
            .command_types()
            .chain(self.handlers.reaction_types())
            .cloned()
            .collect()
    }

    fn decided_types(&self) -> Vec<TypeName> {
        self.handlers.command_types().cloned().collect()
    }

    fn needs(&self) -> &Needs {
        self.handlers.all_needs()
    }

    fn commands(&self) -> Vec<CommandType> {
        self.handlers.registered().to_vec()
    }

    fn clashes(&self) -> Vec<Clash> {
        self.handlers.clashes().cloned().collect()
    }

    fn flow(&self) -> Flow {
        self.handlers.flow().clone()
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let mut run = Run::start(&self.handlers, batch).await?;
        let mut handled = Handled::default();
        for delivery in batch.deliveries {
            // What was handled before has had its effects; an actor keeps no state that a replay would rebuild.
            if !delivery.replaying
                && let Err(failure) = run.handle(delivery).await
            {
                handled.failure = Some(failure);
                break;
            }
            handled.upto = Some(delivery.message.position);
        }
        Ok(run.finish(handled))
    }
}

/// One pass over a batch.
struct Run<'a, A> {
    handlers: &'a Handlers<A>,
    batch: &'a Batch<'a>,
    /// All events of the stream.
    history: Vec<StoredMessage>,
    /// The state after all events, those decided in this pass included; built when the first command needs it.
    newest: Option<A>,
    /// The state as of the event reacted to last, and how much of the history is in it.
    as_of: Option<(A, usize)>,
    /// What is to be appended, in the order of coming up; the batch's own stream first.
    appends: Vec<StreamAppend>,
    schedules: Vec<Scheduled>,
    refusals: Vec<Refusal>,
}

impl<'a, A: Actor> Run<'a, A> {
    async fn start(handlers: &'a Handlers<A>, batch: &'a Batch<'a>) -> Result<Self, BackendError> {
        let only_replays = batch.deliveries.iter().all(|delivery| delivery.replaying);
        let history = if only_replays {
            Vec::new()
        } else {
            let read = ReadStream::all(batch.stream.clone()).only(Kind::Event);
            batch.streams.read_stream(read).await?
        };
        Ok(Self {
            handlers,
            batch,
            history,
            newest: None,
            as_of: None,
            appends: Vec::new(),
            schedules: Vec::new(),
            refusals: Vec::new(),
        })
    }

    async fn handle(&mut self, delivery: &Delivery) -> Result<(), Failure> {
        let cx = self.batch.services.context(delivery);
        let message = &delivery.message;
        if let Some(decide) = self.handlers.decide(&message.type_name) {
            let state = self.newest()?;
            let decided = guarded(async { Ok(decide(state, message, &cx).await) }).await?;
            return match decided {
                Ok(emitted) => self.applied(message, emitted).await,
                Err(Rejected::Refused(reason)) => {
                    self.refusals.push(Refusal {
                        command: message.id,
                        reason,
                    });
                    Ok(())
                }
                Err(Rejected::Failed(failure)) => Err(failure),
            };
        }
        if let Some(react) = self.handlers.react(&message.type_name) {
            let state = self.as_of(message.seq)?;
            let dispatched = guarded(react(state, message, &cx)).await?;
            return self.dispatched(message, dispatched);
        }
        // Registered for it by an older version of this actor, perhaps: nothing is asked of this one.
        Ok(())
    }

    /// The state to decide on.
    fn newest(&mut self) -> Result<&A, Failure> {
        if self.newest.is_none() {
            let mut state = A::initial(self.batch.stream);
            evolve_all(self.handlers, &mut state, &self.history)?;
            self.newest = Some(state);
        }
        self.newest
            .as_ref()
            .ok_or_else(|| Failure::msg("the state was not built"))
    }

    /// The state to react on: after the events up to this seq, and no later one.
    fn as_of(&mut self, seq: Seq) -> Result<&A, Failure> {
        let (mut state, done) = self
            .as_of
            .take()
            .unwrap_or_else(|| (A::initial(self.batch.stream), 0));
        let upto = done + self.history[done..].partition_point(|event| event.seq <= seq);
        evolve_all(self.handlers, &mut state, &self.history[done..upto])?;
        Ok(&self.as_of.insert((state, upto)).0)
    }

    async fn applied(
        &mut self,
        command: &StoredMessage,
        emitted: Vec<Emitted>,
    ) -> Result<(), Failure> {
        let events = events_of(&self.batch.services.env, command, emitted);
        let last_seq = self.last_seq(command.seq);
        if let Some(state) = &mut self.newest {
            let evolved = guarded(async {
                Ok(evolve_unstored(
                    self.handlers,
                    state,
                    self.batch.stream,
                    last_seq,
                    &events,
                )?)
            });
            if let Err(failure) = evolved.await {
                // It may be half changed.
                self.newest = None;
                return Err(failure);
            }
        }
        if !events.is_empty() {
            let expected = ExpectedSeq::NoEventAfter(self.history.last().map(|event| event.seq));
            self.append(self.batch.stream.clone(), events, expected);
        }
        Ok(())
    }

    fn dispatched(&mut self, event: &StoredMessage, dispatched: Dispatched) -> Result<(), Failure> {
        let env = &self.batch.services.env;
        let parcels = dispatched
            .into_iter()
            .map(|outgoing| outgoing.into_parcel(env));
        for parcel in parcels.collect::<Result<Vec<_>, _>>()? {
            let stream = parcel.stream.unwrap_or_else(|| event.stream_id.clone());
            let message = parcel.message.caused_by(event);
            match parcel.at {
                None => self.append(stream, vec![message], ExpectedSeq::Any),
                Some(at) => self.schedules.push(Scheduled {
                    at,
                    stream,
                    message,
                }),
            }
        }
        Ok(())
    }

    /// A stream is named once per append, with the strictest of its expectations.
    fn append(&mut self, stream: StreamId, messages: Vec<NewMessage>, expected: ExpectedSeq) {
        match self
            .appends
            .iter_mut()
            .find(|append| append.stream == stream)
        {
            Some(append) => {
                append.messages.extend(messages);
                if append.expected == ExpectedSeq::Any {
                    append.expected = expected;
                }
            }
            None => self.appends.push(StreamAppend {
                stream,
                expected,
                messages,
            }),
        }
    }

    /// The last seq of the stream that this pass knows of, with what it will append.
    fn last_seq(&self, delivered: Seq) -> Seq {
        let own = self
            .appends
            .iter()
            .find(|append| &append.stream == self.batch.stream);
        let pending = own.map_or(0, |append| append.messages.len());
        let stored = self
            .history
            .last()
            .map_or(delivered, |event| event.seq.max(delivered));
        (0..pending).fold(stored, |seq, _| Seq::after(Some(seq)))
    }

    fn finish(self, handled: Handled) -> Handled {
        Handled {
            appends: self.appends,
            schedules: self.schedules,
            refusals: self.refusals,
            ..handled
        }
    }
}

/// The events of a decision as messages led to by their command.
pub(super) fn events_of(
    env: &Env,
    command: &StoredMessage,
    emitted: Vec<Emitted>,
) -> Vec<NewMessage> {
    let message = |event: Emitted| {
        let id = env.ids.next_id().into();
        NewMessage::root(
            id,
            env.clock.now(),
            event.type_name,
            Emitted::KIND,
            event.payload,
        )
        .caused_by(command)
    };
    emitted.into_iter().map(message).collect()
}

pub(super) fn evolve_all<A>(
    handlers: &Handlers<A>,
    state: &mut A,
    events: &[StoredMessage],
) -> Result<(), Failure>
where
    A: Actor,
{
    for event in events {
        handlers
            .evolution()
            .evolve(state, event)
            .map_err(|error| cannot_evolve(event, &error))?;
    }
    Ok(())
}

fn cannot_evolve(event: &StoredMessage, error: &PayloadError) -> Failure {
    Failure::msg(format!(
        "`{}` at seq {} of the history: {error}",
        event.type_name, event.seq
    ))
}

fn evolve_unstored<A: Actor>(
    handlers: &Handlers<A>,
    state: &mut A,
    stream: &StreamId,
    last: Seq,
    events: &[NewMessage],
) -> Result<(), PayloadError> {
    let mut last = last;
    for event in events {
        last = Seq::after(Some(last));
        let message = StoredMessage::stored(event.clone(), stream.clone(), last, Position::START);
        handlers.evolution().evolve(state, &message)?;
    }
    Ok(())
}
