//! Handlers: they do something about events, and keep no state.
//!
//! `#[handler]` on an `impl` block writes a [`Handler`] whose table has a row per event, and an impl of
//! [`Reacts`] per event.

mod run;

pub use run::HandlerReactor;

use std::fmt;

use crate::actor::{Reactions, Reacts};
use crate::message::Event;
use crate::reactor::{FromContext, Needs};
use crate::stream::StreamId;
use crate::topology::Flow;

/// Does something about events. `#[handler]` writes this.
pub trait Handler: Sized + Send + Sync + 'static {
    /// Its name, which is its consumer group.
    const NAME: &'static str;

    /// What the methods are called on, made anew for each event.
    fn initial(id: &StreamId) -> Self;

    /// Fills the table of handlers.
    fn handlers(table: &mut Subscriptions<Self>);
}

/// The events that a handler does something about, a row each.
pub struct Subscriptions<H> {
    pub(crate) reactions: Reactions<H>,
    pub(crate) reads_history: bool,
    pub(crate) needs: Needs,
    pub(crate) flow: Flow,
}

impl<H: Handler> Subscriptions<H> {
    pub(crate) fn of_handler() -> Self {
        let mut table = Self {
            reactions: Reactions::new(),
            reads_history: false,
            needs: Needs::default(),
            flow: Flow::of_type::<H>(run::group_of::<H>()),
        };
        H::handlers(&mut table);
        table
    }

    /// An event it does something about.
    pub fn reaction<E: Event>(&mut self) -> &mut Self
    where
        H: Reacts<E>,
    {
        let produces = self.reactions.insert::<E>();
        self.flow.reacts::<E>(produces);
        self
    }

    /// Its methods ask for what happened before.
    pub fn reads_history(&mut self) -> &mut Self {
        self.reads_history = true;
        self
    }

    /// Something its methods ask for.
    pub fn needs<T: FromContext>(&mut self) -> &mut Self {
        self.needs.add::<T>();
        self
    }
}

impl<H> fmt::Debug for Subscriptions<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriptions")
            .field("events", &self.reactions)
            .field("reads_history", &self.reads_history)
            .finish_non_exhaustive()
    }
}
