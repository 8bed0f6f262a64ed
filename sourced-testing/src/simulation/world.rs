//! What invariants look at.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use sourced::backend::{Log as _, Parked, ReadLog, Selection};
use sourced::message::{Event, Message, MessageType, StoredMessage};
use sourced::table::Row;
use sourced::{Actor, App, GroupId, IntoStreamId, Memory, MessageId, Outcome, Position, TypeName};

use super::outside::Things;

/// All that is stored in a history, and all that lies outside, at one moment.
///
/// It reads the storage as it is, past every fault. What cannot be read is a panic, which breaks the invariant that asked.
pub struct World {
    app: App,
    storage: Memory,
    things: Arc<Things>,
    log: Vec<StoredMessage>,
}

impl World {
    pub(super) fn new(app: App, storage: Memory, things: Arc<Things>) -> Self {
        Self {
            app,
            storage,
            things,
            log: Vec::new(),
        }
    }

    /// Looks at what was stored since.
    pub(super) fn refresh(&mut self) {
        let after = self
            .log
            .last()
            .map_or(Position::START, |last| last.position);
        self.log.extend(log_after(&self.storage, after));
    }

    /// The state of an actor after all events of its stream.
    ///
    /// # Panics
    /// When the actor is not registered, or its events do not fit it.
    pub fn state<A: Actor>(&self, stream: impl IntoStreamId) -> A {
        now(self.app.load::<A>(stream)).into_state()
    }

    /// All messages, in the order of the log.
    pub fn log(&self) -> &[StoredMessage] {
        &self.log
    }

    /// The messages of one stream, in order.
    ///
    /// # Panics
    /// When that is no name of a stream.
    pub fn stream(&self, stream: impl IntoStreamId) -> Vec<&StoredMessage> {
        let stream = stream
            .into_stream_id()
            .unwrap_or_else(|error| panic!("{error}"));
        let messages = self.log.iter();
        messages
            .filter(|message| message.stream_id == stream)
            .collect()
    }

    /// All messages of one type, in the order of the log; those of older names and versions, too.
    ///
    /// # Panics
    /// When one cannot be read.
    pub fn messages<M: MessageType>(&self) -> Vec<Message<M>> {
        let names: Vec<_> = TypeName::all_of::<M>().collect();
        let messages = self.log.iter();
        let of_it = messages.filter(|message| names.contains(&message.type_name));
        let decoded = of_it.map(|message| {
            let decoded = message.decode();
            decoded.unwrap_or_else(|error| panic!("{} cannot be read: {error}", message.type_name))
        });
        decoded.collect()
    }

    /// All events of one type, in the order of the log.
    ///
    /// # Panics
    /// When one cannot be read.
    pub fn events<E: Event>(&self) -> Vec<E> {
        let messages = self.messages::<E>().into_iter();
        messages.map(|message| message.payload).collect()
    }

    /// A document that a projection has written.
    ///
    /// # Panics
    /// When it is not a `T`.
    pub fn document<T: DeserializeOwned>(
        &self,
        collection: &str,
        key: impl AsRef<str>,
    ) -> Option<T> {
        now(self.app.document(collection, key.as_ref()))
    }

    /// All documents of a collection, in the order of their keys.
    ///
    /// # Panics
    /// When one is not a `T`.
    pub fn documents<T: DeserializeOwned>(&self, collection: &str) -> Vec<(String, T)> {
        now(self.app.documents(collection, None, usize::MAX))
    }

    /// All rows of a table, in the order of their keys.
    ///
    /// # Panics
    /// When one is not an `R`.
    pub fn rows<R: Row>(&self) -> Vec<R> {
        now(self.app.rows::<R>().all())
    }

    /// What became of a command.
    pub fn outcome(&self, command: MessageId) -> Outcome {
        now(self.app.outcome(command))
    }

    /// What waits for a person, of all groups of the app.
    pub fn parked(&self) -> Vec<(GroupId, Parked)> {
        let groups = now(self.app.groups()).into_iter();
        let parked = groups.flat_map(|group| {
            let parked = now(self.app.backend().parked(&group.id, None, usize::MAX));
            parked.into_iter().map(move |one| (group.id.clone(), one))
        });
        parked.collect()
    }

    /// The one `T` that lies outside of all processes.
    pub fn outside<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.things.get()
    }

    /// The app, on the storage as it is.
    pub fn app(&self) -> &App {
        &self.app
    }
}

/// More messages than any history has.
const ALL: usize = 1_000_000;

/// What was stored after this position.
pub(super) fn log_after(storage: &Memory, position: Position) -> Vec<StoredMessage> {
    let read = ReadLog::new(Selection::all().after(position)).limit(ALL);
    now(storage.read_log(&read)).messages
}

/// What memory answers at once.
fn now<T, E: fmt::Display>(answer: impl Future<Output = Result<T, E>>) -> T {
    match answer.now_or_never() {
        Some(Ok(answer)) => answer,
        Some(Err(error)) => panic!("{error}"),
        None => panic!("it waits for something: only what is stored can be looked at"),
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("messages", &self.log.len())
            .finish_non_exhaustive()
    }
}
