//! Projectors: read models built from the events of a stream.
//!
//! `#[projector]` on an `impl` block writes a [`Projector`] with a row per `#[event]` method. An event-sourced projector
//! is made of the stream alone: it is rebuilt from the first event, or goes on from where the last batch of the stream has
//! left it in this process, and is saved by its `#[sync]` methods in the transaction that acknowledges the batch.
//! A stored one is loaded as it was saved.

mod after;
mod run;
mod stored;

pub use after::AfterSync;
pub use run::ProjectorReactor;
pub use stored::{Loads, LoadsInTx};

use std::fmt;

use crate::actor::{Reactions, Reacts};
use crate::backend::Tx;
use crate::evolve::{Evolution, Evolves};
use crate::failure::Failure;
use crate::message::{Event, StoredMessage};
use crate::reactor::{Context, FromContext, Needs};
use crate::stream::StreamId;
use crate::topology::Flow;
use stored::Load;

/// A read model per stream. `#[projector]` writes this.
pub trait Projector: Sized + Send + Sync + 'static {
    /// Its name, which is its consumer group.
    const NAME: &'static str;

    /// The state before the first event.
    fn initial(id: &StreamId) -> Self;

    /// Fills the table of handlers.
    fn handlers(table: &mut Projection<Self>);

    /// Saves the state, in the transaction that acknowledges the batch.
    ///
    /// Everything written through `tx` happens exactly once. It may be called again from the start when the database
    /// asks for it.
    fn sync(
        &self,
        tx: &mut Tx<'_>,
        cx: &Context,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        _ = (tx, cx);
        async { Ok(()) }
    }
}

/// The handlers of a projector, a row each.
pub struct Projection<P> {
    pub(crate) evolution: Evolution<P>,
    pub(crate) reactions: Reactions<P>,
    load: Option<Load<P>>,
    after_sync: Option<after::Row<P>>,
    pub(crate) needs: Needs,
    pub(crate) flow: Flow,
}

impl<P: Projector> Projection<P> {
    pub(crate) fn of_projector() -> Self {
        let mut flow = Flow::of_type::<P>(run::group_of::<P>());
        flow.is_read_model = true;
        let mut table = Self {
            evolution: Evolution::new(),
            reactions: Reactions::new(),
            load: None,
            after_sync: None,
            needs: Needs::default(),
            flow,
        };
        P::handlers(&mut table);
        table
    }

    /// An event it evolves by.
    pub fn event<E: Event>(&mut self) -> &mut Self
    where
        P: Evolves<E>,
    {
        self.evolution.insert::<E>();
        self.flow.evolves::<E>();
        self
    }

    /// What runs before each event it evolves by.
    pub fn before_evolve(&mut self, before: fn(&mut P, &StoredMessage)) -> &mut Self {
        self.evolution.before(before);
        self
    }

    /// It saves what it keeps.
    pub fn saves(&mut self) -> &mut Self {
        self.flow.has_effects = true;
        self
    }

    /// An event it evolves by and reacts to.
    pub fn reaction<E: Event>(&mut self) -> &mut Self
    where
        P: Evolves<E> + Reacts<E>,
    {
        let produces = self.reactions.insert::<E>();
        self.flow.reacts::<E>(produces);
        self
    }

    /// An event that its reaction to all events without one of their own serves.
    pub fn rest_reaction<E: Event>(&mut self) -> &mut Self
    where
        P: Evolves<E> + Reacts<E>,
    {
        let produces = self.reactions.insert::<E>();
        self.flow.reacts_to_rest::<E>(produces);
        self
    }

    /// Its state is loaded as it was saved, before the transaction that saves.
    pub fn loads(&mut self) -> &mut Self
    where
        P: Loads,
    {
        self.load = Some(Load::before());
        self
    }

    /// Its state is loaded as it was saved, in the transaction that saves.
    pub fn loads_in_tx(&mut self) -> &mut Self
    where
        P: LoadsInTx,
    {
        self.load = Some(Load::in_tx());
        self
    }

    /// It does something after the commit.
    pub fn after_sync(&mut self) -> &mut Self
    where
        P: AfterSync,
    {
        self.after_sync = Some(after::row::<P>);
        self
    }

    /// Something its handlers ask for.
    pub fn needs<T: FromContext>(&mut self) -> &mut Self {
        self.needs.add::<T>();
        self
    }
}

impl<P> fmt::Debug for Projection<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projection")
            .field("events", &self.evolution)
            .field("reactions", &self.reactions)
            .finish_non_exhaustive()
    }
}
