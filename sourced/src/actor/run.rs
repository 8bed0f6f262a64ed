//! Running an actor over a batch of messages: load, decide or react, collect what is to be stored.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument as _;

use super::before::Before;
use super::known::Known;
use super::load::{Found, Reach, TakeSnapshot, footing, foundation};
use super::reactions::{join, send};
use super::{Actor, Emitted, Handlers, Rejected};
use crate::backend::{
    BackendError, Delivery, ExpectedSeq, LastEvent, Scheduled, Snapshot, StreamAppend,
};
use crate::env::Env;
use crate::failure::Failure;
use crate::message::{NewMessage, PayloadError, StoredMessage, TypeName};
use crate::reactor::{
    Batch, Clash, Footing, Ground, Handled, History, Needs, Reactor, Refused, guarded,
};
use crate::registry::CommandType;
use crate::stream::{GroupId, Position, Seq};
use crate::telemetry::{self, Decided, spans};
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
    GroupId::new(A::GROUP).expect("an actor's name is a group id")
}

#[async_trait]
impl<A: Actor> Reactor for ActorReactor<A> {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        self.handlers
            .command_types()
            .chain(self.handlers.reactions().types())
            .cloned()
            .collect()
    }

    fn known_types(&self) -> Vec<TypeName> {
        let evolved = self.handlers.evolution().types().cloned();
        self.handled_types().into_iter().chain(evolved).collect()
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

    async fn footing(&self, ground: &Ground<'_>) -> Result<Footing, BackendError> {
        footing(&self.handlers, ground).await
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
            if run.has_gone_elsewhere {
                // What follows may decide on the same other stream, whose new events are not stored yet.
                break;
            }
        }
        Ok(run.finish(handled))
    }
}

/// One pass over a batch.
struct Run<'a, A> {
    handlers: &'a Arc<Handlers<A>>,
    batch: &'a Batch<'a>,
    /// The snapshot that the events come after; none when they begin with the first, or come after a known state.
    base: Option<Arc<Snapshot>>,
    /// The state before the first event of the history, until somebody needs it.
    start: Option<A>,
    /// How far that goes.
    before: Before,
    /// All events of the stream, or those after the snapshot or the known state.
    history: Arc<Vec<StoredMessage>>,
    /// How many of them are stored; the rest was decided in this pass.
    n_stored: usize,
    /// The state after all events, those decided in this pass included; built when the first command needs it.
    newest: Option<A>,
    /// The state as of the event reacted to last, and how much of the history is in it.
    as_of: Option<(A, usize)>,
    /// What is to be appended, in the order of coming up; the batch's own stream first.
    appends: Vec<StreamAppend>,
    schedules: Vec<Scheduled>,
    refusals: Vec<Refused>,
    /// Whether a decision of this pass has events in other streams.
    has_gone_elsewhere: bool,
}

impl<'a, A: Actor> Run<'a, A> {
    async fn start(
        handlers: &'a Arc<Handlers<A>>,
        batch: &'a Batch<'a>,
    ) -> Result<Self, BackendError> {
        let (before, Found { history, base }) = match reach_of(handlers, batch) {
            None => (Before::default(), Found::default()),
            Some(reach) => Before::find(handlers, batch, reach).await?,
        };
        Ok(Self {
            handlers,
            batch,
            n_stored: history.len(),
            base: history.base().cloned(),
            start: base,
            before,
            history: history.into_events(),
            newest: None,
            as_of: None,
            appends: Vec::new(),
            schedules: Vec::new(),
            refusals: Vec::new(),
            has_gone_elsewhere: false,
        })
    }

    async fn handle(&mut self, delivery: &Delivery) -> Result<(), Failure> {
        let cx = self.batch.context(delivery);
        let message = &delivery.message;
        let history = self.events();
        if let Some(decide) = self.handlers.decide(&message.type_name) {
            let cx = cx.with_history(history);
            let span = spans::decide(A::NAME, message, self.batch.first());
            let state = self.newest()?;
            let decided = guarded(async { Ok(decide(state, message, &cx).await) });
            let decided = decided.instrument(span.clone()).await;
            telemetry::decided(&span, A::NAME, decided_of(&decided));
            return match decided? {
                Ok(emitted) => self.applied(message, emitted, cx.into_guards()).await,
                Err(Rejected::Refused(error)) => {
                    self.refusals.push(Refused {
                        command: message.id,
                        error,
                    });
                    Ok(())
                }
                Err(Rejected::Failed(failure)) => Err(failure),
            };
        }
        if let Some(react) = self.handlers.reactions().get(&message.type_name) {
            let cx = cx.with_history(history.first(self.n_upto(message.seq)));
            let span = spans::react(A::NAME, message, self.batch.first());
            let state = self.as_of(message.seq)?;
            let dispatched = guarded(react(state, message, &cx)).instrument(span).await?;
            return send(
                self.batch.services,
                message,
                dispatched,
                &mut self.appends,
                &mut self.schedules,
            );
        }
        // Registered for it by an older version of this actor, perhaps: nothing is asked of this one.
        Ok(())
    }

    /// The state to decide on.
    fn newest(&mut self) -> Result<&A, Failure> {
        if self.newest.is_none() {
            let mut state = self.foundation()?;
            evolve_all(self.handlers, &mut state, &self.history)?;
            self.newest = Some(state);
        }
        self.newest
            .as_ref()
            .ok_or_else(|| Failure::msg("the state was not built"))
    }

    /// The state to react on: after the events up to this seq, and no later one.
    fn as_of(&mut self, seq: Seq) -> Result<&A, Failure> {
        let (mut state, done) = match self.as_of.take() {
            Some(so_far) => so_far,
            None => (self.foundation()?, 0),
        };
        let upto = self.n_upto(seq);
        evolve_all(self.handlers, &mut state, &self.history[done..upto])?;
        Ok(&self.as_of.insert((state, upto)).0)
    }

    /// The state before the first event of the history.
    fn foundation(&mut self) -> Result<A, Failure> {
        match self.start.take() {
            Some(state) => Ok(state),
            // There is one of it, and it may be half changed.
            None if self.before.is_known => Err(Failure::msg("the known state was used up")),
            None => {
                let (streams, stream) = (&**self.batch.streams, self.batch.stream);
                foundation(self.handlers, streams, stream, &self.events())
            }
        }
    }

    fn events(&self) -> History {
        History::shared(Arc::clone(&self.history)).since(self.base.clone())
    }

    /// The last stored event.
    fn last_stored(&self) -> Option<LastEvent> {
        let last = self.history[..self.n_stored].last();
        last.map(LastEvent::from).or(self.before.last)
    }

    /// How many stored events there are up to this seq.
    fn n_upto(&self, seq: Seq) -> usize {
        self.history[..self.n_stored].partition_point(|event| event.seq <= seq)
    }

    async fn applied(
        &mut self,
        command: &StoredMessage,
        emitted: Vec<Emitted>,
        guards: Vec<StreamAppend>,
    ) -> Result<(), Failure> {
        let env = &self.batch.services.env;
        let before = self.last_stored();
        for append in appends_of(env, command, before, emitted) {
            if &append.stream == self.batch.stream {
                self.evolve(command, &append.messages).await?;
            } else {
                self.has_gone_elsewhere = true;
            }
            join(&mut self.appends, append);
        }
        if !guards.is_empty() {
            // Its own stream is one of several that it relies on, even when all its events are elsewhere.
            let expected = ExpectedSeq::last_event(before);
            let own = StreamAppend::guard(self.batch.stream.clone(), expected);
            join(&mut self.appends, own);
        }
        for guard in guards {
            join(&mut self.appends, guard);
        }
        Ok(())
    }

    /// Events of this pass change the newest state before they are stored.
    async fn evolve(
        &mut self,
        command: &StoredMessage,
        events: &[NewMessage],
    ) -> Result<(), Failure> {
        let mut last = self.last_seq(command.seq);
        let stored = events.iter().map(|event| {
            last = Seq::after(Some(last));
            StoredMessage::stored(
                event.clone(),
                self.batch.stream.clone(),
                last,
                Position::START,
            )
        });
        let stored: Vec<_> = stored.collect();
        if let Some(state) = &mut self.newest {
            let evolved = guarded(async { evolve_all(self.handlers, state, &stored) });
            if let Err(failure) = evolved.await {
                // It may be half changed.
                self.newest = None;
                return Err(failure);
            }
        }
        Arc::make_mut(&mut self.history).extend(stored);
        Ok(())
    }

    /// The last seq of the stream that this pass knows of, with what it will append.
    fn last_seq(&self, delivered: Seq) -> Seq {
        let own = self
            .appends
            .iter()
            .find(|append| &append.stream == self.batch.stream);
        let pending = own.map_or(0, |append| append.messages.len());
        let stored = self
            .last_stored()
            .map_or(delivered, |event| event.seq.max(delivered));
        (0..pending).fold(stored, |seq, _| Seq::after(Some(seq)))
    }

    fn finish(self, handled: Handled) -> Handled {
        let n_events = |len| self.before.n_events + len;
        let (stored, now) = (n_events(self.n_stored), n_events(self.history.len()));
        let due = TakeSnapshot::if_due(self.handlers, self.batch.stream, stored, now);
        let last = self.last_stored();
        if let Some(state) = self.newest.filter(|_| stored == now) {
            let known = Known {
                state,
                last,
                end: last.map(|event| event.seq),
                n_events: now,
            };
            Box::new(known).keep(&**self.batch.streams, self.batch.stream);
        }
        Handled {
            afterwards: due.into_iter().collect(),
            appends: self.appends,
            schedules: self.schedules,
            refusals: self.refusals,
            ..handled
        }
    }
}

fn decided_of<T>(decided: &Result<Result<T, Rejected<Failure>>, Failure>) -> Decided {
    match decided {
        Ok(Ok(_)) => Decided::Applied,
        Ok(Err(Rejected::Refused(_))) => Decided::Refused,
        Ok(Err(Rejected::Failed(_))) | Err(_) => Decided::Failed,
    }
}

/// How far back to read for a batch; `None` when nothing is asked of the actor.
fn reach_of<A: Actor>(handlers: &Handlers<A>, batch: &Batch<'_>) -> Option<Reach> {
    let asked = batch
        .deliveries
        .iter()
        .filter(|delivery| !delivery.replaying);
    let reaches = asked.map(|delivery| {
        let message = &delivery.message;
        let otherwise = match handlers.decide(&message.type_name) {
            Some(_) => Reach::Newest,
            None => Reach::UpTo(message.seq),
        };
        handlers.reach(&message.type_name, otherwise)
    });
    reaches.min()
}

/// The events of a decision as messages led to by their command: an append for each stream that has some.
///
/// `before` is the last stored event that the decision was made on.
pub(super) fn appends_of(
    env: &Env,
    command: &StoredMessage,
    before: Option<LastEvent>,
    emitted: Vec<Emitted>,
) -> Vec<StreamAppend> {
    let mut appends = Vec::new();
    let (now, kind) = (env.clock.now(), Emitted::KIND);
    for event in emitted {
        let id = env.ids.next_id().into();
        let message = NewMessage::root(id, now, event.type_name, kind, event.payload);
        let (stream, after) = match event.elsewhere {
            Some(there) => (there.id, there.after),
            None => (command.stream_id.clone(), before),
        };
        let append = StreamAppend {
            stream,
            expected: ExpectedSeq::last_event(after),
            messages: vec![message.caused_by(command)],
        };
        join(&mut appends, append);
    }
    appends
}

pub(super) fn evolve_all<A>(
    handlers: &Handlers<A>,
    state: &mut A,
    events: &[StoredMessage],
) -> Result<(), Failure>
where
    A: Actor,
{
    let _span = spans::evolve(A::NAME, events.len()).entered();
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
