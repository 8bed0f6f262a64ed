//! Units: a command and everything that follows from it, at once and all or nothing.

mod chain;
mod draft;
mod first;
mod site;

use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::{App, DispatchError, side_effects};
use crate::actor::{Outgoing, outage};
use crate::backend::{
    AppendError, BackendError, JoinError, Lane, Refusal, UnitError as CommitError,
};
use crate::failure::Failure;
use crate::message::{StoredMessage, TypeName};
use crate::reactor::{Reactor, Register};
use crate::stream::GroupId;
use crate::telemetry;

use chain::{Chain, Stored};
pub(super) use site::Site;

/// How often a chain is worked out again because somebody else appended an event meanwhile.
const MAX_TRIES: u32 = 64;

/// Handles a command and, breadth first, everything that follows from it: events, reactions, their commands,
/// projections. All of it is stored in one transaction, or none. Made by [`App::unit`].
///
/// What a reaction sends for later is scheduled with the rest, and handled by workers when its time has come.
///
/// Workers find nothing left to do, with two exceptions: where earlier messages of a stream still wait for a reactor, its
/// share is left to the workers, because nothing may be overtaken; and so is that of a projector which loads its state
/// outside of the transaction that saves it. [`UnitOutcome::left_to_workers`] tells which.
///
/// The command itself waits for nobody. Like a durable call it is decided here and now, on all events of its stream: commands
/// that were dispatched to the stream before it, and still wait for a worker, are decided after it.
///
/// ```
/// # use sourced::prelude::*;
/// # #[derive(Default)] pub struct Lamp { on: bool }
/// # #[actor] impl Lamp {
/// #     #[command] pub fn switch(&self) -> Switched { Switched }
/// #     #[event] pub fn switched(&mut self) { self.on = !self.on; }
/// #     #[reaction] fn count(&self, _: &Switched) -> Count { Count }
/// #     #[command] pub fn count_up(&self, _: &Count) -> Counted { Counted }
/// #     #[event] pub fn counted(&mut self) {}
/// # }
/// # #[command("lamp.count")] pub struct Count;
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().register::<Lamp>().build().await?;
/// let outcome = app.unit().handle(Switch.to("lamp-1")).await?;
/// let types: Vec<_> = outcome.messages().iter().map(|message| message.type_name.as_str()).collect();
/// assert_eq!(types, ["lamp.switch", "lamp.switched", "lamp.count", "lamp.counted"]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a unit does nothing until it handles a command"]
pub struct Unit {
    app: App,
    /// The groups that take part; `None`: all.
    groups: Option<HashSet<GroupId>>,
    max_messages: usize,
    commands: Commands,
}

/// What becomes of the commands of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commands {
    Stored,
    /// Only what they led to is stored.
    Dropped,
}

impl Unit {
    pub(super) fn new(app: App) -> Self {
        Self {
            app,
            groups: None,
            max_messages: 100,
            commands: Commands::Stored,
        }
    }

    /// Lets only these reactors take part, one call each. What the others would do is left to the workers.
    pub fn with<R: Register>(mut self) -> Self {
        let group = R::reactor().group().clone();
        self.groups.get_or_insert_default().insert(group);
        self
    }

    /// At most so many messages are handled; 100 by default. More is taken for a loop.
    pub fn max_messages(mut self, max: usize) -> Self {
        self.max_messages = max;
        self
    }

    /// Does not store the commands that are decided in the unit, only what they lead to.
    pub fn without_commands(mut self) -> Self {
        self.commands = Commands::Dropped;
        self
    }

    /// Handles a command with everything that follows from it.
    ///
    /// A command with an id that was stored before, in its stream, has no second effect: the outcome is what the first
    /// one has led to so far, or its refusal.
    ///
    /// # Errors
    /// [`UnitError`] says why nothing was stored.
    pub async fn handle(&self, command: impl Into<Outgoing>) -> Result<UnitOutcome, UnitError> {
        self.handle_at(Site::Backend(&self.app), command.into())
            .await
    }

    /// Handles a command with everything that follows from it in a transaction that the caller has begun on the same
    /// database: it commits with the caller's own writes, or rolls back with them.
    ///
    /// `connection` is the transaction as sqlx gives it: a `Transaction` from a pool, or the `PgConnection` or
    /// `SqliteConnection` that it is in (`&mut *tx`). Everything is read through it, so a second unit in the same
    /// transaction sees what the first one stored. Nobody else sees anything before the commit, and nobody is woken up:
    /// workers and promoters find the work when they look, or at once after [`App::wake`].
    ///
    /// A unit that stores nothing, because it was refused or lost to others, leaves the transaction as it was.
    /// [`UnitError::Backend`] says that the database itself has failed; what the transaction is good for is then up to
    /// the database, and it is best rolled back.
    ///
    /// The same goes for one that is given up, by a timeout for example: on SQLite the transaction is as it was. PostgreSQL
    /// cannot take back what may be under way: from the moment when a part was stored, the transaction refuses to commit and
    /// says why, and every further unit in it is a [`JoinError::GivenUp`]. Roll it back; or begin one more inside of it
    /// (`tx.begin()`) for the unit alone, which can be rolled back by itself.
    ///
    /// A command with an id that was stored before is an [`AppendError::IdTaken`]: whether the first one counts is for the
    /// transaction to say that it was stored in.
    ///
    /// Until it ends, the transaction keeps others from appending to the streams of the unit, and on SQLite from writing
    /// anything: keep it short, and wait for no other write of the app in it. The unit needs no connection but this one; a
    /// handler that asks a pool for one may wait for it as long as all of them are in such transactions. The docs of the backends' crates have an
    /// example each, and say what the transaction must be like.
    ///
    /// # Errors
    /// [`UnitError::Join`] when the transaction cannot be joined; otherwise as [`Unit::handle`].
    pub async fn handle_in<C: Any + Send>(
        &self,
        connection: &mut C,
        command: impl Into<Outgoing>,
    ) -> Result<UnitOutcome, UnitError> {
        let command = command.into();
        let joined = self.app.backend().join(connection).await?;
        self.handle_at(Site::Joined(&self.app, joined), command)
            .await
    }

    async fn handle_at(
        &self,
        mut site: Site<'_>,
        command: Outgoing,
    ) -> Result<UnitOutcome, UnitError> {
        let (stream, parcel) = self.app.parcel(command)?;
        let root = parcel.message;
        if parcel.at.is_some() {
            return Err(DispatchError::IsForLater(root.type_name).into());
        }
        let decider = self.app.inner.deciders.get(&root.type_name);
        let Some(decider) = decider.filter(|group| self.takes_part(group)) else {
            return Err(DispatchError::NobodyDecides(root.type_name).into());
        };
        if let (true, Site::Backend(_)) = (parcel.is_known_id, &site)
            && let Some(first) = first::outcome(&self.app.inner, &stream, &root).await?
        {
            return first;
        }
        let mut left = HashSet::new();
        let absent = side_effects::waiting(&self.app.inner, &mut site).await?;
        for _ in 0..MAX_TRIES {
            let (stream, root) = (stream.clone(), root.clone());
            let chain = site.reading(async |stored, services| {
                let mut chain = Chain::new(self, services, &left, &absent, stored);
                chain.run(stream, root).await?;
                Ok::<_, UnitError>(chain)
            });
            let chain = chain.await?;
            match chain.commit(&mut site).await {
                Ok(stored) => return Ok(UnitOutcome::new(stored, &left)),
                Err(error) if error.is_conflict() => {
                    telemetry::CONFLICTS.add(1, &[("group", decider.as_str())]);
                }
                Err(CommitError::Busy { group, stream }) => {
                    left.insert(Lane { group, stream });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(UnitError::Contended)
    }

    fn takes_part(&self, group: &GroupId) -> bool {
        self.groups
            .as_ref()
            .is_none_or(|groups| groups.contains(group))
    }

    fn reactors(&self) -> impl Iterator<Item = &Arc<dyn Reactor>> {
        let all = self.app.inner.reactors.iter();
        all.filter(|reactor| self.takes_part(reactor.group()))
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unit")
            .field("groups", &self.groups)
            .field("max_messages", &self.max_messages)
            .field("commands", &self.commands)
            .finish_non_exhaustive()
    }
}

/// What a unit stored; in a transaction of the caller's, what it stores once that is committed.
#[derive(Debug, Clone)]
pub struct UnitOutcome {
    /// With the group that each comes from; the command that began it comes from none.
    messages: Vec<StoredMessage>,
    sources: Vec<Option<GroupId>>,
    refusals: Vec<Refusal>,
    left: Vec<Lane>,
}

impl UnitOutcome {
    fn new(stored: Stored, left: &HashSet<Lane>) -> Self {
        let Stored {
            messages,
            refusals,
            outside,
        } = stored;
        let (sources, messages) = messages.into_iter().unzip();
        let mut left: Vec<_> = left.union(&outside).cloned().collect();
        left.sort();
        Self {
            messages,
            sources,
            refusals,
            left,
        }
    }

    /// All messages, in the order in which they came up.
    pub fn messages(&self) -> &[StoredMessage] {
        &self.messages
    }

    /// The messages that came from one reactor, in the order in which they came up.
    pub fn of<R: Register>(&self) -> Vec<&StoredMessage> {
        let reactor = R::reactor();
        let sources = self
            .sources
            .iter()
            .map(|source| source.as_ref() == Some(reactor.group()));
        let messages = self.messages.iter().zip(sources);
        messages
            .filter_map(|(message, is_from_it)| is_from_it.then_some(message))
            .collect()
    }

    /// The commands further down the chain that were refused, with the reasons.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Lanes in which earlier messages were waiting, and those of projectors that load their state outside of the
    /// transaction: what the unit stored there is handled by workers, in its turn.
    pub fn left_to_workers(&self) -> &[Lane] {
        &self.left
    }
}

/// Why a unit stored nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The domain said no to the command that began it. A command further down the chain that is refused does not undo
    /// the others: its refusal is recorded.
    #[error("{0}")]
    Refused(String),
    /// A handler failed.
    #[error("group `{group}` could not handle `{type_name}`: {failure}")]
    Failed {
        /// The group of the handler.
        group: GroupId,
        /// The message.
        type_name: TypeName,
        /// What went wrong.
        failure: Failure,
    },
    /// The chain did not come to an end.
    #[error("the chain is longer than {limit} messages; it ends in the loop {}", path.join(" → "))]
    Loop {
        /// How many messages were handled.
        limit: usize,
        /// The types on the way to the last message, from cause to effect: the last part that repeats itself.
        path: Vec<String>,
    },
    /// Others changed the streams again and again.
    #[error("the streams were changed by others {MAX_TRIES} times meanwhile")]
    Contended,
    /// The transaction of the caller's cannot be joined.
    #[error("{0}")]
    Join(#[from] JoinError),
    /// The command could not be sent.
    #[error("{0}")]
    Dispatch(#[from] DispatchError),
    /// An append was refused.
    #[error("{0}")]
    Append(#[source] AppendError),
    /// A projection could not be saved.
    #[error("a projection could not be saved: {0}")]
    Sync(Failure),
    /// The storage did not do it.
    #[error("{0}")]
    Backend(#[from] BackendError),
}

outage!(UnitError);

impl From<CommitError> for UnitError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Append(AppendError::Backend(error)) | CommitError::Backend(error) => {
                Self::Backend(error)
            }
            CommitError::Append(error) => Self::Append(error),
            CommitError::Sync(failure) => Self::Sync(failure),
            CommitError::Busy { .. } => Self::Contended,
        }
    }
}
