//! One try: an actor, its stream, and what has happened in it so far.

use std::sync::Arc;

use sourced::actor::{Actor, Emitted, Handlers};
use sourced::backend::{
    Delivery, Log as _, ReadLog, ReadStream, Selection, Store as _, StreamAppend, UnitCommit,
};
use sourced::env::Env;
use sourced::reactor::{
    Batch, Context, Handled, NoResource, Panicked, Progress, Reactor, Resources, Services, States,
};
use sourced::{
    ExpectedSeq, Failure, History, Kind, Memory, NewMessage, Payload, PayloadError, Position,
    Rejected, StoredMessage, StreamId, TypeName,
};
use tokio::runtime::Runtime;

use super::quiet::caught;
use super::sample::Sample;
use super::state::told;
use crate::ManualClock;

/// What came of a command.
pub(super) enum Outcome {
    Applied(Vec<Emitted>),
    /// The domain said no, or its handler could not do it.
    NotApplied,
    Panicked(String),
    /// What it leads to is refused by every store.
    Unstorable(String),
    NoResource(&'static str),
}

pub(super) struct World<'l, A> {
    handlers: &'l Handlers<A>,
    runtime: &'l Runtime,
    memory: Memory,
    services: Services,
    env: Env,
    stream: StreamId,
}

impl<'l, A: Actor> World<'l, A> {
    pub(super) fn new(
        handlers: &'l Handlers<A>,
        runtime: &'l Runtime,
        resources: Resources,
    ) -> Self {
        let clock = ManualClock::new();
        let (memory, env) = (clock.memory(), clock.env());
        let backend = Arc::new(memory.clone());
        let services = Services::new(backend, env.clone(), Arc::new(resources), States::new(0));
        let name = format!("{}-1", A::NAME);
        Self {
            handlers,
            runtime,
            memory,
            services,
            env,
            stream: StreamId::new(name).expect("the name of an actor is short"),
        }
    }

    /// What has happened in the actor's stream.
    pub(super) fn events(&self) -> Vec<StoredMessage> {
        self.events_of(&self.stream)
    }

    fn events_of(&self, stream: &StreamId) -> Vec<StoredMessage> {
        let read = ReadStream::all(stream.clone()).only(Kind::Event);
        let read = self.runtime.block_on(self.memory.read_stream(read));
        read.expect("memory can be read")
    }

    /// Puts a message at the end of the stream, whatever the actor would say.
    pub(super) fn store(&self, sample: &Sample) -> StoredMessage {
        let (name, payload) = (sample.type_name.clone(), sample.payload.clone());
        self.append(self.stream.clone(), name, sample.kind, payload)
    }

    fn append(
        &self,
        stream: StreamId,
        name: TypeName,
        kind: Kind,
        payload: Payload,
    ) -> StoredMessage {
        let (id, now) = (self.env.ids.next_id().into(), self.env.clock.now());
        let message = NewMessage::root(id, now, name, kind, payload);
        let append = StreamAppend {
            stream: stream.clone(),
            expected: ExpectedSeq::Any,
            messages: vec![message.clone()],
        };
        let appended = self.runtime.block_on(self.memory.append(vec![append]));
        let place = &appended.expect("memory takes small messages")[0];
        StoredMessage::stored(message, stream, place.seq, place.position)
    }

    /// Decides a command on what has happened, without storing what it leads to.
    ///
    /// # Errors
    /// When the history does not give a state to decide on, which an earlier step would have found.
    pub(super) fn decide(&self, command: &StoredMessage) -> Result<Outcome, String> {
        let events = self.events();
        let state = self.fold(&events)?;
        let cx = Context::live(command, &self.services).with_history(History::new(events));
        let decide = self.handlers.decide_on(&state, command, &cx);
        let decided = match caught(|| self.runtime.block_on(decide)) {
            Err(panic) => return Ok(Outcome::Panicked(panic)),
            Ok(None) => {
                return Err(format!(
                    "`{}` is no command of the actor",
                    command.type_name
                ));
            }
            Ok(Some(decided)) => decided,
        };
        Ok(match decided {
            Ok(emitted) => Outcome::Applied(emitted),
            Err(Rejected::Refused(_)) => Outcome::NotApplied,
            Err(Rejected::Failed(failure)) => not_applied(&failure),
        })
    }

    /// Stores what a command led to, and lets the actor evolve by it: that may not fail.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub(super) fn accept(&self, emitted: Vec<Emitted>) -> Result<(), String> {
        let mut streams = vec![self.stream.clone()];
        for event in emitted {
            if !event.is_same {
                return Err(format!(
                    "`{}` is stored as {}, which is read back as another event",
                    event.type_name,
                    event.payload.as_str()
                ));
            }
            let elsewhere = event.elsewhere.map(|there| there.id);
            let stream = elsewhere.unwrap_or_else(|| self.stream.clone());
            if !streams.contains(&stream) {
                streams.push(stream.clone());
            }
            self.append(stream, event.type_name, Emitted::KIND, event.payload);
        }
        for stream in streams {
            let events = self.events_of(&stream);
            fold(self.handlers, &stream, &events)?;
        }
        Ok(())
    }

    /// What has happened behind a position, in any stream.
    pub(super) fn log_after(&self, position: Position) -> Vec<StoredMessage> {
        let read = ReadLog::new(Selection::all().after(position));
        let page = self.runtime.block_on(self.memory.read_log(&read));
        page.expect("memory can be read").messages
    }

    /// Lets a reactor handle an event as a worker does, with all that it stores but messages.
    ///
    /// # Errors
    /// When it cannot.
    pub(super) fn hand(&self, reactor: &dyn Reactor, event: &StoredMessage) -> Result<(), Failure> {
        let handed = || self.runtime.block_on(self.hand_to(reactor, event));
        caught(handed).unwrap_or_else(|panic| Err(Failure::msg(panic)))
    }

    /// Makes the table that a reactor keeps, if it keeps one: once, before it handles anything.
    ///
    /// # Errors
    /// When there can be none.
    pub(super) fn begin(&self, reactor: &dyn Reactor) -> Result<(), Failure> {
        let Some(table) = reactor.table() else {
            return Ok(());
        };
        let made = self.services.backend.ensure_table(table, reactor.group());
        Ok(self.runtime.block_on(made).map(drop)?)
    }

    async fn hand_to(&self, reactor: &dyn Reactor, event: &StoredMessage) -> Result<(), Failure> {
        let delivery = Delivery {
            message: event.clone(),
            replaying: false,
        };
        let batch = Batch {
            stream: &event.stream_id,
            deliveries: &[delivery],
            streams: self.services.streams(),
            services: &self.services,
            progress: &Progress::default(),
        };
        let Handled { syncs, failure, .. } = reactor.handle(&batch).await?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let unit = UnitCommit {
            syncs,
            ..UnitCommit::default()
        };
        self.services.backend.commit_unit(unit).await?;
        Ok(())
    }

    /// The state after these events, which are all there are.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub(super) fn fold(&self, events: &[StoredMessage]) -> Result<A, String> {
        fold(self.handlers, &self.stream, events)
    }

    /// What the state after these events looks like.
    ///
    /// # Errors
    /// As [`World::fold`].
    pub(super) fn told(&self, events: &[StoredMessage]) -> Result<String, String>
    where
        A: std::fmt::Debug,
    {
        Ok(told(&self.fold(events)?))
    }

    /// What the state looks like when it went through a snapshot after the first `n` of these events; `None` when the
    /// actor takes none.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub(super) fn told_by_snapshot(
        &self,
        events: &[StoredMessage],
        n: usize,
    ) -> Result<Option<String>, String>
    where
        A: std::fmt::Debug,
    {
        let (before, after) = events.split_at(n);
        let state = self.fold(before)?;
        let through = caught(|| self.handlers.through_snapshot(&state));
        let Some(restored) = through.map_err(|panic| format!("the snapshot panicked: {panic}"))?
        else {
            return Ok(None);
        };
        let restored = restored.map_err(|error| {
            format!("the state cannot be stored as a snapshot and read again: {error}")
        })?;
        let state = evolved(|| self.handlers.fold_on(restored, after))?;
        Ok(Some(told(&state)))
    }
}

fn fold<A: Actor>(
    handlers: &Handlers<A>,
    stream: &StreamId,
    events: &[StoredMessage],
) -> Result<A, String> {
    evolved(|| handlers.fold(stream, events))
}

fn evolved<A>(evolve: impl FnOnce() -> Result<A, Failure>) -> Result<A, String> {
    match caught(evolve) {
        Ok(Ok(state)) => Ok(state),
        Ok(Err(failure)) => Err(failure.chain()),
        Err(panic) => Err(panic),
    }
}

fn not_applied(failure: &Failure) -> Outcome {
    if let Some(NoResource(name)) = failure.find() {
        return Outcome::NoResource(name);
    }
    // A panic in the code of another task, say.
    if let Some(Panicked(text)) = failure.find() {
        return Outcome::Panicked(text.clone());
    }
    match failure.find::<PayloadError>() {
        Some(error) => Outcome::Unstorable(error.to_string()),
        None => Outcome::NotApplied,
    }
}
