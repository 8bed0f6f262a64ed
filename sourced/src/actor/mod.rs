//! Actors: decide, evolve, react, for one stream each.
//!
//! `#[actor]` on an `impl` block writes an [`Actor`] whose table has a row per handler, and beside it one small impl
//! per handler: [`Decides`], [`Evolves`](crate::evolve::Evolves) or [`Reacts`]. Everything else (decoding, loading, batching, correlating) is
//! in this module, written once.

mod before;
mod decision;
mod dispatch;
mod durable;
mod emitter;
mod events;
mod handlers;
mod known;
mod load;
mod other;
mod outage;
mod reactions;
mod reference;
mod run;
mod shape;
mod sketch;
mod snapshots;

pub use decision::{Carries, Emit, Emitted, IntoDecision, IntoRejected, Rejected};
pub use dispatch::{AnyCommand, CommandExt, Dispatched, IntoDispatch, Outgoing, Target, When};
pub(crate) use dispatch::{OutgoingError, Parcel};
pub use durable::{CommandError, EventsOf, RefusalOf};
pub use emitter::Emitter;
#[doc(hidden)]
pub use emitter::Stepwise;
pub use events::AnyEvent;
#[doc(hidden)]
pub use events::{MadeOf, NoEvents, OfEvents, Variant, read_event, variant};
pub use handlers::Handlers;
pub use other::{Elsewhere, Other, OtherStream};
pub(crate) use outage::outage;
#[doc(hidden)]
pub use outage::{MayRefuse, OfTheDomain, Returned};
pub(crate) use reactions::{Reactions, send};
pub use reference::{ActorRef, Loaded};
pub use run::ActorReactor;
#[doc(hidden)]
pub use sketch::sketch_events;
pub use sketch::{IntoSketches, Sketch};
pub use snapshots::{Fingerprint, SnapshotState};

use std::future::{Ready, ready};

use crate::failure::Failure;
use crate::message::Message;
use crate::reactor::Context;
use crate::stream::StreamId;
use crate::topology::Produces;

/// A domain type with handlers for commands and events. `#[actor]` writes this.
pub trait Actor: Sized + Send + Sync + 'static {
    /// Its name: the prefix of its messages' type names.
    const NAME: &'static str;

    /// Its consumer group, under which its progress is kept: its name, or of an actor that was renamed the oldest one.
    const GROUP: &'static str = Self::NAME;

    /// All its events as one type.
    type Event: AnyEvent + Emit<Self>;

    /// What [`App::actor`](crate::App::actor) gives: a method per command, durable.
    type Ref: From<ActorRef<Self>>;

    /// The state before the first event.
    fn initial(id: &StreamId) -> Self;

    /// Fills the table of handlers.
    fn handlers(table: &mut Handlers<Self>);
}

/// An actor that decides a command. `#[command]` methods write this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not decide `{C}`",
    label = "`{C}` is not a command of `{Self}`",
    note = "add `#[command] fn …(&self, command: &{C})` to the `impl` of `{Self}`"
)]
pub trait Decides<C>: Sized {
    /// What the method returns.
    type Decision: IntoDecision<Self, Events: Emit<Self>> + Send;

    /// Decides on the state after all earlier events of the stream.
    ///
    /// The error is a failure to call the method; what the method returns is a decision even where it says no. A method that
    /// is not `async` may run before the future is polled.
    fn decide(
        &self,
        message: Message<C>,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Decision, Failure>> + Send;
}

/// An actor that reacts to an event. `#[reaction]` methods write this.
pub trait Reacts<E>: Sized {
    /// Reacts, on the state as of the event. A method that is not `async` may run before the future is polled.
    fn react(
        &self,
        message: Message<E>,
        cx: &Context,
    ) -> impl Future<Output = Result<Dispatched, Failure>> + Send;

    /// Lists the types of commands that may come of it.
    ///
    /// It is not told by an associated type, as `Decides::Decision` is: a reaction may dispatch what only its module
    /// knows, and an associated type has to be as public as the actor.
    fn produces(out: &mut Produces);
}

/// What a method that does not wait gives, as a future. Generated code calls this.
#[doc(hidden)]
pub fn at_once<T>(call: impl FnOnce() -> Result<T, Failure>) -> Ready<Result<T, Failure>> {
    ready(call())
}
