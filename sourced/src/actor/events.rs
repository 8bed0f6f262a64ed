//! All events of an actor as one type.

use std::fmt;

use super::{Carries, Emit, Emitted};
use crate::message::{Event, PayloadError, StoredMessage};
use crate::topology::Produces;

/// Any event of an actor: an enum with a variant per event. `#[actor]` writes one, called `CartEvent` for a `Cart`.
///
/// A command may return it where it cannot say beforehand which event it will be, and a history can be matched with it.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Door {
///     is_open: bool,
/// }
///
/// #[actor]
/// impl Door {
///     #[command]
///     fn push(&self) -> DoorEvent {
///         if self.is_open { Closed.into() } else { Opened.into() }
///     }
///
///     #[event]
///     fn opened(&mut self) {
///         self.is_open = true;
///     }
///
///     #[event]
///     fn closed(&mut self) {
///         self.is_open = false;
///     }
/// }
///
/// assert_eq!(Door::default().push(), DoorEvent::Opened(Opened));
/// ```
pub trait AnyEvent: fmt::Debug + Clone + PartialEq + Send + Sync + Sized + 'static {
    /// Reads a stored event; `None` when it is none of the actor's.
    ///
    /// # Errors
    /// [`PayloadError`] when it is one, and its payload is not of its type.
    fn read(event: &StoredMessage) -> Result<Option<Self>, PayloadError>;
}

/// In the place of the events of an actor that the compiler refuses.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq)]
pub enum NoEvents {}

impl AnyEvent for NoEvents {
    fn read(_: &StoredMessage) -> Result<Option<Self>, PayloadError> {
        Ok(None)
    }
}

impl<A> Emit<A> for NoEvents {
    fn emit(&self, _: &mut Vec<Emitted>) -> Result<(), PayloadError> {
        match *self {}
    }
}

impl Carries for NoEvents {
    fn produces(_: &mut Produces) {}
}

/// The payload of a stored message that is an `E`.
///
/// # Errors
/// [`PayloadError`] when it is one, and its payload is not of its type.
#[doc(hidden)]
pub fn read_event<E: Event>(event: &StoredMessage) -> Result<Option<E>, PayloadError> {
    if !E::names().contains(&event.type_name.as_str()) {
        return Ok(None);
    }
    Ok(Some(event.decode::<E>()?.payload))
}

/// What the parameter of a method for several events is: made from each of them.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a method for several events cannot take them as `{Self}`, which is not made from `{E}`",
    label = "no `From<{E}>`",
    note = "take an enum with `From` for each event that is listed, such as that of an actor: `&CartEvent`; or write a method for each"
)]
pub trait MadeOf<E> {
    fn made_of(event: E) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: From<E>, E> MadeOf<E> for T {
    fn made_of(event: E) -> Self {
        event.into()
    }
}

/// Writes the enum of an actor's events; `#[actor]` gives the list.
#[doc(hidden)]
#[macro_export]
macro_rules! __any_event {
    (
        $(#[$attr:meta])*
        pub enum $name:ident of $actor:ty {
            $($(#[$cfg:meta])* $variant:ident($event:ty) = $doc:literal,)*
        }
    ) => {
        $(#[$attr])*
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::cmp::PartialEq)]
        #[allow(dead_code, private_interfaces, unreachable_pub, clippy::all, clippy::pedantic)]
        pub enum $name {
            $($(#[$cfg])* #[doc = $doc] $variant($event),)*
        }
        $(
            $(#[$cfg])*
            #[automatically_derived]
            impl ::core::convert::From<$event> for $name {
                fn from(event: $event) -> Self {
                    Self::$variant(event)
                }
            }
        )*
        #[automatically_derived]
        impl $crate::__private::AnyEvent for $name {
            fn read(
                _message: &$crate::__private::StoredMessage,
            ) -> $crate::__private::Result<
                ::core::option::Option<Self>,
                $crate::__private::PayloadError,
            > {
                $(
                    $(#[$cfg])*
                    if let ::core::option::Option::Some(event) =
                        $crate::__private::read_event::<$event>(_message)?
                    {
                        return $crate::__private::Ok(::core::option::Option::Some(Self::$variant(event)));
                    }
                )*
                $crate::__private::Ok(::core::option::Option::None)
            }
        }
        #[automatically_derived]
        impl $crate::__private::Emit<$actor> for $name {
            fn emit(
                &self,
                _out: &mut $crate::__private::Vec<$crate::__private::Emitted>,
            ) -> $crate::__private::Result<(), $crate::__private::PayloadError> {
                match *self {
                    $($(#[$cfg])* Self::$variant(ref event) => {
                        _out.push($crate::__private::Emitted::encode(event)?);
                        $crate::__private::Ok(())
                    })*
                }
            }
        }
        #[automatically_derived]
        impl $crate::__private::IntoSketches for $name {
            fn into_sketches(
                self,
                out: &mut $crate::__private::Vec<$crate::__private::Sketch>,
            ) -> $crate::__private::Result<(), $crate::__private::Failure> {
                $crate::__private::sketch_events::<$actor>(&self, out)
            }
        }
        #[automatically_derived]
        impl $crate::__private::Carries for $name {
            fn produces(_out: &mut $crate::__private::Produces) {
                $($(#[$cfg])* _out.add::<$event>();)*
            }
        }
        #[automatically_derived]
        impl $crate::__private::IntoDecision<$actor> for $name {
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
