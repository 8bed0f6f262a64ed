//! What command methods may return.

use std::convert::Infallible;
use std::error::Error as StdError;

use super::OtherStream;
use crate::failure::Failure;
use crate::message::{Event, Kind, MessageType, Payload, PayloadError, TypeName};
use crate::topology::Produces;

/// What a `#[command]` method of actor `A` may return: `()`, an event, `Option`, `Vec`, an array or a tuple of these,
/// or a `Result` of any of them.
///
/// The error of a `Result` decides what a "no" means: your own error type is a *refusal*, a [`Failure`] is tried again.
#[diagnostic::on_unimplemented(
    message = "a command of `{A}` cannot return `{Self}`",
    label = "not events of `{A}`",
    note = "return `()`, an event, `Option`, `Vec`, an array or a tuple of events, or a `Result` of these",
    note = "the error of the `Result` must be a `std::error::Error` (a refusal) or a `sourced::Failure` (tried again)"
)]
pub trait IntoDecision<A> {
    /// The events, as they were returned. That they are the actor's, [`Decides`](super::Decides) asks for.
    type Events: Carries + Send;
    /// The domain's way of saying no.
    type Refusal: StdError + Send + Sync + 'static;

    /// Tells the events from a refusal and a failure.
    ///
    /// # Errors
    /// [`Rejected`] when the command was not applied.
    fn into_decision(self) -> Result<Self::Events, Rejected<Self::Refusal>>;

    /// Lists the types of events that may come of it.
    fn produces(out: &mut Produces) {
        Self::Events::produces(out);
    }
}

/// Why a command was not applied: what a command method returns as its error when it can both refuse and fail.
///
/// Your own error type as the error of a command is a refusal and never tried again, also where it only passes on that a
/// mail server was away for a minute. A method that reaches out says which is which: `?` on a [`Failure`] is a failure,
/// your own error a refusal.
///
/// `#[from] std::io::Error` in your own error type undoes that: `?` on the server's error is a refusal again. Nothing but
/// the chain of sources tells, so it is a warning in the log, and no error of the compiler.
///
/// ```
/// use sourced::prelude::*;
/// use sourced::{Failure, Rejected};
///
/// #[derive(Debug, Default)]
/// struct Flight;
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("there are no seats left")]
/// struct NoSeats;
///
/// struct Airline;
/// impl Airline {
///     async fn free_seats(&self) -> Result<u32, std::io::Error> {
///         Ok(0)
///     }
/// }
///
/// #[actor]
/// impl Flight {
///     #[command]
///     async fn book(&self, airline: Res<Airline>) -> Result<Booked, Rejected<NoSeats>> {
///         let seats = airline.free_seats().await.map_err(Failure::from)?; // tried again
///         if seats == 0 {
///             return Err(NoSeats.into()); // refused
///         }
///         Ok(Booked)
///     }
///
///     #[event]
///     fn booked(&mut self) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().register::<Flight>().resource(Airline).build().await?;
/// let error = app.actor::<Flight>("flight-1").book().await.unwrap_err();
/// assert!(error.refusal().is_some());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub enum Rejected<E> {
    /// The domain said no. It is never tried again.
    Refused(E),
    /// Something went wrong. It is tried again.
    Failed(Failure),
}

impl<E: StdError> From<E> for Rejected<E> {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> From<Failure> for Rejected<E> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Events in any of the shapes a command may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event of `{A}`, nor a shape of its events",
    label = "not events of `{A}`",
    note = "return what `#[event]` methods of `{A}` define or take: an event, or `Option`, `Vec`, an array or a tuple of these",
    note = "a `Result` goes around all of it, once"
)]
pub trait Emit<A>: Carries {
    /// Writes the events down, in order.
    ///
    /// # Errors
    /// [`PayloadError`] when an event cannot be told in JSON.
    fn emit(&self, out: &mut Vec<Emitted>) -> Result<(), PayloadError>;
}

/// Events in any shape, of whatever actor.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event, nor a shape of events",
    label = "not events",
    note = "write an event, or `Option`, `Vec`, an array or a tuple of events",
    note = "a `Result` goes around all of it, once"
)]
pub trait Carries {
    /// Lists the types of events that this shape can carry.
    fn produces(out: &mut Produces);
}

/// An event on its way out of a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Emitted {
    /// Its type.
    pub type_name: TypeName,
    /// Its payload.
    pub payload: Payload,
    /// Where it goes, when that is not the command's own stream.
    pub elsewhere: Option<OtherStream>,
    /// Whether what is read back equals it. Fields that are left out when it is written make a difference that the payload
    /// does not show.
    #[doc(hidden)]
    pub is_same: bool,
}

impl Emitted {
    /// Always an event.
    pub const KIND: Kind = Kind::Event;

    /// Writes an event down.
    ///
    /// # Errors
    /// [`PayloadError`] when it cannot be read back from JSON as it is.
    pub fn encode<E: Event>(event: &E) -> Result<Self, PayloadError> {
        Self::variant(event)
    }

    /// Writes a variant of an actor's events down. That it is an event, the table of the actor asks for.
    pub(super) fn variant<E: MessageType>(event: &E) -> Result<Self, PayloadError> {
        let written = Payload::of(event)?;
        Ok(Self {
            type_name: TypeName::of::<E>(),
            payload: written.payload,
            elsewhere: None,
            is_same: written.is_same,
        })
    }
}

/// Makes an event something that a command may return; `#[event]` writes this.
///
/// It is an impl per event and not one for all of them: with two impls to choose from, the compiler would only say that
/// `Result<Vec<ItemAdded>, CartError>` cannot be returned, and not that it is `ItemAdded` that has no `#[event]` method.
#[doc(hidden)]
#[macro_export]
macro_rules! __returned_by_commands {
    ($event:ty) => {
        #[automatically_derived]
        impl<__Actor: $crate::__private::Evolves<$event>> $crate::__private::Emit<__Actor>
            for $event
        {
            fn emit(
                &self,
                out: &mut $crate::__private::Vec<$crate::__private::Emitted>,
            ) -> $crate::__private::Result<(), $crate::__private::PayloadError> {
                out.push($crate::__private::Emitted::encode(self)?);
                $crate::__private::Ok(())
            }
        }
        #[automatically_derived]
        impl $crate::__private::Carries for $event {
            fn produces(out: &mut $crate::__private::Produces) {
                out.add::<Self>();
            }
        }
        #[automatically_derived]
        impl<__Actor> $crate::__private::IntoDecision<__Actor> for $event {
            type Events = Self;
            type Refusal = $crate::__private::Infallible;
            fn into_decision(
                self,
            ) -> $crate::__private::Result<Self, $crate::__private::Rejected<Self::Refusal>> {
                $crate::__private::Ok(self)
            }
        }
    };
}

impl<A> Emit<A> for () {
    fn emit(&self, _: &mut Vec<Emitted>) -> Result<(), PayloadError> {
        Ok(())
    }
}

impl Carries for () {
    fn produces(_: &mut Produces) {}
}

macro_rules! emit_each {
    ($([$($size:tt)*] $shape:ty),*) => {$(
        impl<A, T: Emit<A>, $($size)*> Emit<A> for $shape {
            fn emit(&self, out: &mut Vec<Emitted>) -> Result<(), PayloadError> {
                self.iter().try_for_each(|events| events.emit(out))
            }
        }
        impl<T: Carries, $($size)*> Carries for $shape {
            fn produces(out: &mut Produces) {
                out.maybe(T::produces);
            }
        }
    )*};
}
emit_each!([] Option<T>, [] Vec<T>, [const N: usize] [T; N]);

macro_rules! emit_tuple {
    ($($part:ident),*) => {
        impl<A, $($part: Emit<A>),*> Emit<A> for ($($part,)*) {
            fn emit(&self, out: &mut Vec<Emitted>) -> Result<(), PayloadError> {
                #[allow(non_snake_case, reason = "the parts are named by their types")]
                let ($($part,)*) = self;
                $($part.emit(out)?;)*
                Ok(())
            }
        }
        impl<$($part: Carries),*> Carries for ($($part,)*) {
            fn produces(out: &mut Produces) {
                $($part::produces(out);)*
            }
        }
        accepted!([$($part: Carries + Send),*] ($($part,)*));
    };
}

macro_rules! accepted {
    ($([$($generics:tt)*] $shape:ty),*) => {$(
        impl<A, $($generics)*> IntoDecision<A> for $shape {
            type Events = Self;
            type Refusal = Infallible;
            fn into_decision(self) -> Result<Self, Rejected<Infallible>> {
                Ok(self)
            }
        }
    )*};
}
accepted!([] (), [T: Carries + Send] Option<T>, [T: Carries + Send] Vec<T>, [T: Carries + Send, const N: usize] [T; N]);

emit_tuple!(E1);
emit_tuple!(E1, E2);
emit_tuple!(E1, E2, E3);
emit_tuple!(E1, E2, E3, E4);
emit_tuple!(E1, E2, E3, E4, E5);
emit_tuple!(E1, E2, E3, E4, E5, E6);

// One impl for both kinds of error, so that the compiler can say which half of the `Result` is wrong.
impl<A, T: Carries + Send, E: IntoRejected> IntoDecision<A> for Result<T, E> {
    type Events = T;
    type Refusal = E::Refusal;
    fn into_decision(self) -> Result<T, Rejected<E::Refusal>> {
        self.map_err(E::into_rejected)
    }
    fn produces(out: &mut Produces) {
        out.maybe(T::produces);
    }
}

/// What may stand in the error of a command's `Result`: an error type of the domain, or [`Failure`].
#[diagnostic::on_unimplemented(
    message = "a command cannot be refused with `{Self}`",
    label = "`{Self}` is neither a `std::error::Error` nor a `sourced::Failure`",
    note = "implement `std::error::Error` for the domain's own refusals, for instance with `#[derive(thiserror::Error)]`",
    note = "return `sourced::Failure` for what is to be tried again, and `sourced::Rejected<YourError>` from a command that does both"
)]
pub trait IntoRejected {
    /// The domain's way of saying no.
    type Refusal: StdError + Send + Sync + 'static;

    /// Tells a refusal from a failure.
    fn into_rejected(self) -> Rejected<Self::Refusal>;
}

#[diagnostic::do_not_recommend]
impl<E: StdError + Send + Sync + 'static> IntoRejected for E {
    type Refusal = E;
    fn into_rejected(self) -> Rejected<E> {
        Rejected::Refused(self)
    }
}

// For a command that can do both: refuse, and fail to find out.
impl<E: StdError + Send + Sync + 'static> IntoRejected for Rejected<E> {
    type Refusal = E;
    fn into_rejected(self) -> Self {
        self
    }
}

impl IntoRejected for Failure {
    type Refusal = Infallible;
    fn into_rejected(self) -> Rejected<Infallible> {
        Rejected::Failed(self)
    }
}
