//! Emitting step by step: each event changes a working copy of the state at once.

use std::fmt;
use std::marker::PhantomData;

use super::load::foundation;
use super::run::evolve_all;
use super::{Actor, AnyEvent, Emit, Emitted, Handlers, IntoDecision, Rejected};
use crate::failure::Failure;
use crate::message::{
    Command, Event, Kind, Message, MessageId, NewMessage, Payload, PayloadError, StoredMessage,
};
use crate::reactor::Context;
use crate::stream::{Position, Seq, StreamId};
use crate::time::Timestamp;
use crate::topology::Produces;

/// Takes the events of a decision one by one, and shows the state that each of them leads to.
///
/// A command method that has it as a parameter decides step by step, where the next event depends on what the last one
/// has changed. `&self` stays the state before the command. The method returns `()` or a `Result` of it; what it emitted
/// counts only when it does not refuse.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Cart {
///     items: Vec<String>,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("the cart is full")]
/// struct Full;
///
/// #[actor]
/// impl Cart {
///     #[command]
///     fn add_all(&self, products: Vec<String>, emit: &mut Emitter<Self>) -> Result<(), Full> {
///         for product in products {
///             if emit.state().items.len() == 2 {
///                 return Err(Full);
///             }
///             emit.event(Added { product });
///         }
///         Ok(())
///     }
///
///     #[event]
///     fn added(&mut self, product: String) {
///         self.items.push(product);
///     }
/// }
///
/// let cart = Cart::default();
/// let mut emit = Emitter::new(Cart::default());
/// cart.add_all(vec!["tea".into(), "cup".into()], &mut emit)?;
/// assert_eq!(emit.state().items, ["tea", "cup"]);
/// assert_eq!(emit.events()[0], Added { product: "tea".into() }.into());
/// # Ok::<(), Full>(())
/// ```
///
/// Any event of the actor may come of such a command, as far as its topology can tell. `&mut Emitter<Self, (Added,
/// Emptied)>` takes these two and no other: up to six, or a single one without parentheses.
pub struct Emitter<A: Actor, Es = <A as Actor>::Event> {
    handlers: Handlers<A>,
    state: A,
    origin: Origin,
    events: Vec<A::Event>,
    /// The first event that could not be written down or read.
    failed: Option<PayloadError>,
    takes: PhantomData<fn(Es)>,
}

/// What the envelopes of emitted events are made of.
struct Origin {
    stream: StreamId,
    last: Option<Seq>,
    cause: Option<StoredMessage>,
    now: Timestamp,
}

impl<A: Actor, Es> Emitter<A, Es> {
    /// Starts from this state, for calling a command method by hand.
    ///
    /// # Panics
    /// When the actor's name is not a stream id, which `#[actor]` does not let happen.
    pub fn new(state: A) -> Self {
        let origin = Origin {
            stream: StreamId::new(A::NAME).expect("an actor's name is a stream id"),
            last: None,
            cause: None,
            now: Timestamp::from_micros(0),
        };
        Self::starting(Handlers::of_actor(), state, origin)
    }

    /// Starts from the state that a command is decided on. Generated code calls this.
    ///
    /// # Errors
    /// [`Failure`] when the history does not fit the actor.
    #[doc(hidden)]
    pub fn working<C: Command>(command: &Message<C>, cx: &Context) -> Result<Self, Failure> {
        let handlers = Handlers::of_actor();
        let mut state = foundation(&handlers, cx.streams(), &command.stream_id, cx.history())?;
        evolve_all(&handlers, &mut state, cx.history())?;
        let last = cx.history().last_seq();
        let payload = Payload::encode(&())?;
        let origin = Origin {
            stream: command.stream_id.clone(),
            last: last.max(Some(command.seq)),
            cause: Some(command.envelope().with_payload(payload)),
            now: cx.now(),
        };
        Ok(Self::starting(handlers, state, origin))
    }

    fn starting(handlers: Handlers<A>, state: A, origin: Origin) -> Self {
        Self {
            handlers,
            state,
            origin,
            events: Vec::new(),
            failed: None,
            takes: PhantomData,
        }
    }

    /// Emits an event: the working copy of the state has it at once.
    ///
    /// An event that cannot be told in JSON fails the whole command when the method returns.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "an event that was emitted is gone, as one that is returned"
    )]
    pub fn event<E, At>(&mut self, event: E) -> &mut Self
    where
        E: Event + Emit<A> + AmongEvents<Es, At>,
    {
        if let Err(error) = Emitted::encode(&event).and_then(|emitted| self.take(emitted)) {
            self.failed.get_or_insert(error);
        }
        self
    }

    fn take(&mut self, event: Emitted) -> Result<(), PayloadError> {
        let seq = Seq::after(self.origin.last);
        let message = self.origin.message(event, seq);
        self.handlers
            .evolution()
            .evolve(&mut self.state, &message)?;
        self.events.extend(A::Event::read(&message)?);
        self.origin.last = Some(seq);
        Ok(())
    }

    /// The state after all events emitted so far.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// The events emitted so far.
    pub fn events(&self) -> &[A::Event] {
        &self.events
    }

    /// The decision, when the method has returned. Generated code calls this.
    #[doc(hidden)]
    pub fn after<R: IntoDecision<A>>(self, returned: R) -> Stepwise<A, R, Es> {
        Stepwise {
            events: self.failed.map_or(Ok(self.events), Err),
            returned,
            takes: PhantomData,
        }
    }
}

impl Origin {
    /// Not stored yet, so its id is that of nothing, and its place is provisional.
    fn message(&self, event: Emitted, seq: Seq) -> StoredMessage {
        let id = MessageId::from_uuid(uuid::Uuid::nil());
        let message = NewMessage::root(id, self.now, event.type_name, Kind::Event, event.payload);
        let message = match &self.cause {
            Some(cause) => message.caused_by(cause),
            None => message,
        };
        StoredMessage::stored(message, self.stream.clone(), seq, Position::START)
    }
}

impl<A: Actor + fmt::Debug, Es> fmt::Debug for Emitter<A, Es> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter")
            .field("state", &self.state)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// A decision made step by step: what was emitted, and what the method returned.
#[doc(hidden)]
pub struct Stepwise<A: Actor, R, Es = <A as Actor>::Event> {
    events: Result<Vec<A::Event>, PayloadError>,
    returned: R,
    takes: PhantomData<fn(Es)>,
}

impl<A: Actor, R: fmt::Debug, Es> fmt::Debug for Stepwise<A, R, Es> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepwise")
            .field("events", &self.events)
            .field("returned", &self.returned)
            .finish_non_exhaustive()
    }
}

impl<A: Actor, R, Es: Emit<A>> IntoDecision<A> for Stepwise<A, R, Es>
where
    R: IntoDecision<A, Events = ()>,
{
    type Events = Vec<A::Event>;
    type Refusal = R::Refusal;

    fn into_decision(self) -> Result<Self::Events, Rejected<R::Refusal>> {
        self.returned.into_decision()?;
        self.events.map_err(|error| Rejected::Failed(error.into()))
    }

    fn produces(out: &mut Produces) {
        out.maybe(Es::produces);
    }
}

/// An event that an [`Emitter`] takes. `At` is where it stands in the emitter's list, which the compiler finds out.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this emitter does not take `{Self}`",
    label = "not among its events",
    note = "add `{Self}` to the events of the parameter: `emit: &mut Emitter<Self, (…)>`"
)]
pub trait AmongEvents<Es, At> {}

/// In the enum of all events of the actor.
#[doc(hidden)]
#[derive(Debug)]
pub struct InEnum;

/// The only one.
#[doc(hidden)]
#[derive(Debug)]
pub struct Only;

/// The n-th of a tuple.
#[doc(hidden)]
#[derive(Debug)]
pub struct Nth<const N: usize>;

// Whether it is in the enum is asked by `Emit` already.
#[diagnostic::do_not_recommend]
impl<E, Es: AnyEvent> AmongEvents<Es, InEnum> for E {}
impl<E> AmongEvents<E, Only> for E {}

macro_rules! among_events {
    ($([$($before:ident)*] $n:literal [$($after:ident)*];)*) => {$(
        impl<E, $($before,)* $($after),*> AmongEvents<($($before,)* E, $($after,)*), Nth<$n>> for E {}
    )*};
}
among_events! {
    [] 0 [];
    [] 0 [B]; [A] 1 [];
    [] 0 [B C]; [A] 1 [C]; [A B] 2 [];
    [] 0 [B C D]; [A] 1 [C D]; [A B] 2 [D]; [A B C] 3 [];
    [] 0 [B C D F]; [A] 1 [C D F]; [A B] 2 [D F]; [A B C] 3 [F]; [A B C D] 4 [];
    [] 0 [B C D F G]; [A] 1 [C D F G]; [A B] 2 [D F G]; [A B C] 3 [F G]; [A B C D] 4 [G]; [A B C D F] 5 [];
}
