//! One run of a reactor: its streams, what it is given to handle, and what came of it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use sourced::actor::{Sketch, Target, When};
use sourced::backend::{
    BackendError, Delivery, ReadStream, Snapshot, Store as _, StreamAppend, Table, UnitCommit,
};
use sourced::reactor::{Batch, Handled, Origin, Progress, Reactor, Services, States, Streams};
use sourced::topology::Flow;
use sourced::{
    ExpectedSeq, GroupId, Kind, Memory, Position, Seq, StoredMessage, StreamId, Timestamp,
};

use crate::ManualClock;
use crate::block_on::block_on;
use crate::given::Given;
use crate::then::Then;

/// A reactor, ready to handle a batch.
pub(crate) struct Case<R> {
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) services: Services,
    pub(crate) now: Timestamp,
    stream: StreamId,
    streams: Arc<dyn Streams>,
    /// What was given to a projector whose rows are not made from the stream anew.
    earlier: Vec<StoredMessage>,
    of: PhantomData<fn() -> R>,
}

impl<R> Case<R> {
    /// Puts the history and the messages where they belong.
    #[track_caller]
    pub(crate) fn of(given: Given<R>, messages: Vec<Sketch>) -> Self {
        let flow = given.reactor.flow();
        check_messages(&flow, &*given.reactor, &messages);
        check_history(&flow, &given.history);
        let named = messages.iter().find_map(stream_of);
        let own = StreamId::new(format!("{}-1", flow.group)).expect("a group is a name");
        let is_named = given.stream.is_some() || named.is_some();
        let stream = given.stream.clone().or(named).unwrap_or(own);
        let elsewhere = |sketch: &Sketch| stream_of(sketch).is_some_and(|place| place != stream);
        // What only another actor evolves by is in the other actor's stream.
        let is_own = |sketch: &Sketch| {
            flow.evolves
                .iter()
                .any(|event| event.type_name == sketch.type_name)
        };
        let mut history = given.history.iter();
        assert!(
            is_named || !history.clone().any(is_own) || !history.all(elsewhere),
            "all of the history is in other streams than `{stream}`, which the test is of\n\nhelp: name the stream of the test with `.stream(\"…\")`"
        );

        let clock = ManualClock::starting_at(given.now);
        let memory = clock.memory();
        let env = clock.env();
        let store = |sketch: Sketch| {
            let place = stream_of(&sketch).unwrap_or_else(|| stream.clone());
            let message = sketch.into_message(env.ids.next_id().into(), given.now);
            message.map(|message| append(&memory, place, message))
        };
        let (mut earlier, mut deliveries) = (Vec::new(), Vec::new());
        let handled = given.reactor.handled_types();
        for sketch in given.history {
            match store(sketch) {
                Ok(message) if handled.contains(&message.type_name) => earlier.push(message),
                Ok(_) => {}
                Err(failure) => panic!("{}", failure.chain()),
            }
        }
        for mut sketch in messages {
            sketch.principal = sketch.principal.or(given.principal.clone());
            match store(sketch) {
                Ok(message) => deliveries.push(Delivery {
                    message,
                    replaying: false,
                }),
                Err(failure) => panic!("{}", failure.chain()),
            }
        }
        if let Some(other) = deliveries
            .iter()
            .find(|one| one.message.stream_id != stream)
        {
            panic!(
                "the test is of `{stream}`, and has a message for `{}`\n\nhelp: a reactor handles one stream at a time; `scenario!` tests several",
                other.message.stream_id
            );
        }
        let resources = Arc::new(given.resources);
        let services = Services::new(Arc::new(memory), env.clone(), resources, States::new(0));
        let past = Past {
            stored: Arc::clone(services.streams()),
            origin: given.origin,
        };
        Self {
            reactor: given.reactor,
            deliveries,
            services,
            now: given.now,
            stream,
            streams: Arc::new(past),
            earlier,
            of: PhantomData,
        }
    }

    /// Runs it on this thread.
    #[track_caller]
    pub(crate) fn run_here(self) -> Then<R> {
        let name = self.reactor.flow().name;
        match block_on(self.run()) {
            Some(then) => then,
            None => panic!(
                "the handler of `{name}` waits for what does not come\n\nhelp: if it needs a runtime, write `.when_async(..).await` in a `#[tokio::test]`"
            ),
        }
    }

    /// Runs it as a worker does: what is left of a batch comes when the rest is stored.
    pub(crate) async fn run(self) -> Then<R> {
        if let Err(text) = self.fill_table().await {
            panic!("what is given does not fit: {text}");
        }
        let mut all = Handled::default();
        let mut left = &*self.deliveries;
        while !left.is_empty() && all.failure.is_none() {
            // Memory answers whatever it is asked, unless something is asked that nobody may.
            let handled = match self.handle(left).await {
                Ok(handled) => handled,
                Err(error) => panic!("{error}"),
            };
            let is_left = |one: &&Delivery| Some(one.message.position) > handled.upto;
            let n_left = left.iter().filter(is_left).count();
            assert!(
                n_left < left.len() || handled.failure.is_some(),
                "the reactor handled nothing and gave no reason"
            );
            left = &left[left.len() - n_left..];
            if !left.is_empty() {
                let stored = self.services.backend.append(handled.appends.clone()).await;
                if let Err(error) = stored {
                    panic!("what came of a message cannot be stored: {error}");
                }
            }
            all = joined(all, handled);
        }
        Then::new(self, all)
    }

    async fn handle(&self, deliveries: &[Delivery]) -> Result<Handled, BackendError> {
        let batch = Batch {
            stream: &deliveries[0].message.stream_id,
            deliveries,
            streams: &self.streams,
            services: &self.services,
            progress: &Progress::default(),
        };
        self.reactor.handle(&batch).await
    }

    /// The table that the reactor keeps, if it keeps one.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.reactor.table()
    }

    /// Makes the table, with the rows that come of the history. All other reactors make their state of the stream.
    async fn fill_table(&self) -> Result<(), String> {
        let Some(table) = self.table() else {
            return Ok(());
        };
        let (backend, group) = (&self.services.backend, self.reactor.group());
        let made = backend.ensure_table(table, group).await;
        made.map_err(|error| error.to_string())?;
        for message in &self.earlier {
            let delivery = Delivery {
                message: message.clone(),
                replaying: false,
            };
            let handled = self.handle(&[delivery]).await;
            let Handled { syncs, failure, .. } = handled.map_err(|error| error.to_string())?;
            if let Some(failure) = failure {
                return Err(failure.chain());
            }
            let unit = UnitCommit {
                syncs,
                ..UnitCommit::default()
            };
            let committed = backend.commit_unit(unit).await;
            committed.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(crate) fn stream(&self) -> &StreamId {
        &self.stream
    }
}

/// What came of one part of a batch, and what of the next.
fn joined(mut all: Handled, next: Handled) -> Handled {
    all.appends.extend(next.appends);
    all.schedules.extend(next.schedules);
    all.refusals.extend(next.refusals);
    all.syncs.extend(next.syncs);
    all.afterwards.extend(next.afterwards);
    Handled {
        upto: next.upto.or(all.upto),
        failure: next.failure,
        ..all
    }
}

/// The stream that a message names.
fn stream_of(sketch: &Sketch) -> Option<StreamId> {
    match &sketch.target {
        Target::Stream(stream) => Some(stream.clone()),
        Target::SameStream | Target::NewStream(_) => None,
    }
}

/// Memory resolves at once.
fn append(memory: &Memory, stream: StreamId, message: sourced::NewMessage) -> StoredMessage {
    let append = StreamAppend {
        stream: stream.clone(),
        expected: ExpectedSeq::Any,
        messages: vec![message.clone()],
    };
    let places = block_on(memory.append(vec![append]));
    let place = match places {
        Some(Ok(mut places)) => places.pop(),
        Some(Err(error)) => panic!("a message of this test cannot be stored: {error}"),
        None => None,
    };
    let (seq, position) = place.map_or((Seq::FIRST, Position::START), |place| {
        (place.seq, place.position)
    });
    StoredMessage::stored(message, stream, seq, position)
}

#[track_caller]
fn check_messages(flow: &Flow, reactor: &dyn Reactor, messages: &[Sketch]) {
    let name = &flow.name;
    assert!(
        !messages.is_empty(),
        "nothing comes for `{name}` to handle\n\nhelp: give it a command or an event"
    );
    let handled = reactor.handled_types();
    for Sketch {
        type_name, when, ..
    } in messages
    {
        if !handled.contains(type_name) {
            let mut names: Vec<_> = handled.iter().map(|name| format!("`{name}`")).collect();
            names.sort();
            let names = names.join(", ");
            panic!("`{name}` does not handle `{type_name}`\n\nhelp: it handles {names}");
        }
        assert!(
            *when == When::Now,
            "`{type_name}` comes now, and says that it comes later\n\nhelp: leave the time out; `scenario!` lets time pass"
        );
    }
}

#[track_caller]
fn check_history(flow: &Flow, history: &[Sketch]) {
    let name = &flow.name;
    let reacted = flow.reactions.iter().flat_map(|reaction| &reaction.events);
    let known: Vec<_> = flow
        .evolves
        .iter()
        .chain(reacted)
        .map(|event| &event.type_name)
        .collect();
    // A handler has no state; it may ask for the history of whatever happened.
    if flow.evolves.is_empty() {
        return;
    }
    for event in history {
        let is_its_own = event.kind == Kind::Event && event.target == Target::SameStream;
        assert!(
            !is_its_own || known.contains(&&event.type_name),
            "`{name}` has no `#[event]` method for `{}`, so it makes no difference to be given it\n\nhelp: add the method, or say `.in_stream(..)` if it happened in another stream",
            event.type_name
        );
    }
}

/// The streams of a test, with the state that it begins with.
struct Past {
    stored: Arc<dyn Streams>,
    origin: Option<Origin>,
}

#[async_trait]
impl Streams for Past {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.stored.read_stream(read).await
    }

    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.stored.snapshot(actor, stream).await
    }

    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.stored.base(actor, stream).await
    }

    fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What is given was saved by nobody.
    fn forgets_what_was_saved(&self) -> bool {
        true
    }
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Past").finish_non_exhaustive()
    }
}
