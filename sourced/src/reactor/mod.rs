//! Reactors: what the runtime feeds messages to.
//!
//! Actors and projectors are reactors; `#[actor]` and `#[projector]` write the glue. A reactor gets a batch of messages
//! of one stream, or of the whole log in global order, and answers with everything that is to be stored with their acknowledgement. It stores nothing itself.

mod context;
mod documents;
mod event_failure;
mod failed_at;
mod footing;
mod guard;
mod history;
mod origin;
mod progress;
mod resources;
mod rows;
mod seen;
mod states;
mod turns;

pub use context::{Context, FromContext, Now, Replaying};
pub use documents::DocumentReader;
pub(crate) use documents::Shelf;
pub use event_failure::EventFailure;
pub(crate) use event_failure::OldShape;
pub use failed_at::FailedAt;
pub use footing::{Footing, Ground};
pub use guard::Panicked;
pub(crate) use guard::{guarded, guarded_now, handle_guarded};
pub use history::History;
pub use origin::Origin;
pub(crate) use origin::initial;
pub use progress::{Progress, Stage};
pub use resources::{Needs, NoResource, Res, Resources};
pub use rows::Clash;
pub(crate) use rows::Rows;
pub use seen::SeenError;
pub(crate) use seen::{Sight, Wait};
pub use states::States;
use turns::Turns;

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{
    Backend, BackendError, Delivery, GroupOrder, ReadStream, Refusal, Scheduled, Snapshot,
    StreamAppend, SyncAction, Table,
};
use crate::env::Env;
use crate::failure::Failure;
use crate::message::{MessageId, StoredMessage, TypeName};
use crate::registry::CommandType;
use crate::stream::{GroupId, Position, StreamId};
use crate::topology::Flow;

/// Handles batches of messages for one consumer group.
#[async_trait]
pub trait Reactor: Any + fmt::Debug + Send + Sync {
    /// The group whose messages it handles.
    fn group(&self) -> &GroupId;

    /// The types it wants to be given.
    fn handled_types(&self) -> Vec<TypeName>;

    /// All types that it knows by name: those that it only evolves by, too.
    fn known_types(&self) -> Vec<TypeName> {
        self.handled_types()
    }

    /// The command types it decides; no other reactor of the app may decide them too.
    fn decided_types(&self) -> Vec<TypeName>;

    /// The resources its handlers ask for.
    fn needs(&self) -> &Needs;

    /// The types of the commands it decides, for whoever builds them from outside.
    fn commands(&self) -> Vec<CommandType> {
        Vec::new()
    }

    /// The stored names that two of its messages claim; an app is not built when there are any.
    fn clashes(&self) -> Vec<Clash> {
        Vec::new()
    }

    /// What it does, for the app's topology and the checks of its building. Actors and projectors know it from their
    /// types; a reactor that does not say it is opaque, and the app then misses nothing that this one may deal with.
    fn flow(&self) -> Flow {
        Flow::opaque(self.group().clone())
    }

    /// What it needs of the beginning of a stream, for whoever wants to remove that. A reactor that does not say it needs
    /// nothing of it: where it reads it nevertheless, it is told that it was removed.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn footing(&self, ground: &Ground<'_>) -> Result<Footing, BackendError> {
        _ = ground;
        Ok(Footing::Nothing)
    }

    /// The table whose rows it keeps up to date; it is there before the reactor is given anything.
    fn table(&self) -> Option<&Table> {
        None
    }

    /// What the projection is called whose table it keeps, in all its versions.
    fn projection(&self) -> Option<&'static str> {
        None
    }

    /// Whether it has side effects of its own that must happen once, whichever of its versions is live.
    fn announces(&self) -> bool {
        false
    }

    /// In which order it is given its messages. One in global order takes part in no unit, and gets batches of messages of
    /// several streams.
    fn order(&self) -> GroupOrder {
        GroupOrder::PerStream
    }

    /// Whether it may be given messages of several streams in one batch while it is far behind, in the order of the log, which
    /// is that of each stream, too. Then it catches up as fast with many short streams as with a few long ones.
    fn takes_stretches(&self) -> bool {
        false
    }

    /// Whether it can handle a message inside of a unit. Otherwise the unit leaves it to the workers.
    fn takes_part_in_units(&self) -> bool {
        true
    }

    /// Handles the messages of a batch, in order.
    ///
    /// # Errors
    /// [`BackendError`] when reading history failed: nothing is wrong with the messages.
    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError>;
}

/// A type that the app can run as a reactor. `#[actor]`, `#[projector]` and `#[handler]` write this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be registered",
    label = "neither an actor nor a projector nor a handler",
    note = "add `#[actor]`, `#[projector]` or `#[handler]` to its `impl` block"
)]
pub trait Register {
    /// Its reactor.
    fn reactor() -> Arc<dyn Reactor>;
}

/// Messages of one stream, or of the log in global order, to be handled in order.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The stream, or [`StreamId::log`].
    pub stream: &'a StreamId,
    /// The messages; never empty.
    pub deliveries: &'a [Delivery],
    /// Where to read history.
    pub streams: &'a Arc<dyn Streams>,
    /// What is needed to handle them.
    pub services: &'a Services,
    /// How far it is; told by [`Batch::context`].
    pub progress: &'a Progress,
}

/// Streams as a reactor sees them: what is stored and, inside a unit, what is about to be.
#[async_trait]
pub trait Streams: fmt::Debug + Send + Sync {
    /// As [`Log::read_stream`](crate::backend::Log::read_stream).
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError>;

    /// As [`Snapshots::snapshot`](crate::backend::Snapshots::snapshot). What is only about to be stored is in no snapshot.
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError>;

    /// The state before the first event, where that is not the reactor's own: for tests that begin with a state.
    fn origin(&self) -> Option<&Origin> {
        None
    }

    /// Whether a state that a reactor would load is made of the events instead: for tests that begin with events.
    fn forgets_what_was_saved(&self) -> bool {
        false
    }

    /// As [`Snapshots::base`](crate::backend::Snapshots::base).
    ///
    /// # Errors
    /// [`BackendError`] when the storage does not answer.
    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError>;

    /// What is known of the streams already; nothing where they hold what is only about to be stored.
    fn states(&self) -> Option<&States> {
        None
    }
}

/// Streams as they are stored.
#[derive(Debug)]
struct Stored {
    backend: Arc<dyn Backend>,
    states: States,
}

#[async_trait]
impl Streams for Stored {
    async fn read_stream(&self, read: ReadStream) -> Result<Vec<StoredMessage>, BackendError> {
        self.backend.read_stream(read).await
    }

    async fn snapshot(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.backend.snapshot(actor, stream).await
    }

    async fn base(
        &self,
        actor: &GroupId,
        stream: &StreamId,
    ) -> Result<Option<Snapshot>, BackendError> {
        self.backend.base(actor, stream).await
    }

    fn states(&self) -> Option<&States> {
        Some(self.states.after(self.backend.setbacks()))
    }
}

/// What reactors work with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Services {
    /// The storage, for reading.
    pub backend: Arc<dyn Backend>,
    /// Time, chance, ids and tasks.
    pub env: Env,
    /// What handlers may ask for.
    pub resources: Arc<Resources>,
    streams: Arc<dyn Streams>,
    turns: Arc<Turns>,
    /// The commands that somebody decides, where that is known.
    decided: Option<Arc<HashSet<TypeName>>>,
}

impl Batch<'_> {
    /// Its first message.
    pub(crate) fn first(&self) -> &StoredMessage {
        &self.deliveries[0].message
    }

    /// The surroundings in which a delivery is handled, which begins with this call.
    pub fn context(&self, delivery: &Delivery) -> Context {
        self.begins_with(&delivery.message);
        Context::of(self, delivery)
    }

    /// Notes which message is being handled, for a reactor that needs no surroundings.
    pub(crate) fn begins_with(&self, message: &StoredMessage) {
        let now = self.services.env.clock.now();
        self.progress.handles(message.seq, message.position, now);
    }
}

impl Services {
    /// Of a storage, of whose streams these states are known.
    pub fn new(
        backend: Arc<dyn Backend>,
        env: Env,
        resources: Arc<Resources>,
        states: States,
    ) -> Self {
        let mut resources = Arc::unwrap_or_clone(resources);
        resources.insert(DocumentReader::new(Arc::clone(&backend)));
        let stored = Stored {
            backend: Arc::clone(&backend),
            states,
        };
        Self {
            backend,
            env,
            resources: Arc::new(resources),
            streams: Arc::new(stored),
            turns: Arc::default(),
            decided: None,
        }
    }

    /// Who may decide next in a stream.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// The same where no command is dispatched but these.
    pub(crate) fn deciding(self, commands: impl IntoIterator<Item = TypeName>) -> Self {
        Self {
            decided: Some(Arc::new(commands.into_iter().collect())),
            ..self
        }
    }

    /// Whether a command of this type would wait for ever.
    pub(crate) fn is_undecided(&self, command: &TypeName) -> bool {
        let decided = self.decided.as_ref();
        decided.is_some_and(|decided| !decided.contains(command))
    }

    /// Streams as they are stored.
    pub fn streams(&self) -> &Arc<dyn Streams> {
        &self.streams
    }

    /// The same for handlers that are to read documents elsewhere.
    pub(crate) fn with_documents(&self, documents: DocumentReader) -> Self {
        let mut resources = (*self.resources).clone();
        resources.insert(documents);
        Self {
            resources: Arc::new(resources),
            ..self.clone()
        }
    }
}

/// What came of a batch: to be stored in one transaction with the acknowledgement.
#[derive(Debug, Default)]
pub struct Handled {
    /// The position of the last message that was handled well; `None` when not even the first was.
    pub upto: Option<Position>,
    /// What the messages led to.
    pub appends: Vec<StreamAppend>,
    /// What they led to, but for later.
    pub schedules: Vec<Scheduled>,
    /// Commands that were refused.
    pub refusals: Vec<Refused>,
    /// Work to do inside the transaction.
    pub syncs: Vec<Arc<dyn SyncAction>>,
    /// What to do when all of it is stored.
    pub afterwards: Vec<Arc<dyn Afterwards>>,
    /// Why the message after `upto` could not be handled.
    pub failure: Option<Failure>,
}

impl Handled {
    /// Not even the first message was handled well.
    pub fn failed(failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            ..Self::default()
        }
    }
}

/// A command that was decided by saying no.
#[derive(Debug)]
pub struct Refused {
    /// The command.
    pub command: MessageId,
    /// Why: the domain's own error. Its text is what is recorded.
    pub error: Failure,
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self {
            command: refused.command,
            reason: refused.error.chain(),
        }
    }
}

/// Something to do once what came of a batch is stored, outside of its transaction: if it is not done, nothing is lost.
#[async_trait]
pub trait Afterwards: fmt::Debug + Send + Sync {
    /// Does it; what goes wrong is logged.
    async fn run(&self, services: &Services);
}
