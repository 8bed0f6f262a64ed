//! All events of an actor as one type.

use std::fmt;

use super::{Carries, Emit, Emitted};
use crate::message::{MessageType, PayloadError, StoredMessage};
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

/// What a variant of an actor's events holds.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "an event is a struct with `#[sourced::event]`, or what an `#[event]` method of an actor defines"
)]
pub trait OfEvents: MessageType + fmt::Debug + Clone + PartialEq {}

#[diagnostic::do_not_recommend]
impl<E: MessageType + fmt::Debug + Clone + PartialEq> OfEvents for E {}

/// What the enum of an actor's events does with a variant. All of it is asked for in one way, so that what is no event is
/// said once.
#[doc(hidden)]
#[derive(Debug)]
pub struct Variant<E> {
    read: fn(&StoredMessage) -> Result<Option<E>, PayloadError>,
    emit: fn(&E) -> Result<Emitted, PayloadError>,
    produces: fn(&mut Produces),
    debug: fn(&str, &E, &mut fmt::Formatter<'_>) -> fmt::Result,
    clone: fn(&E) -> E,
    eq: fn(&E, &E) -> bool,
}

#[doc(hidden)]
pub fn variant<E: OfEvents>() -> Variant<E> {
    Variant {
        read: read_event::<E>,
        emit: Emitted::variant::<E>,
        produces: Produces::add::<E>,
        debug: |name, event, f| f.debug_tuple(name).field(event).finish(),
        clone: E::clone,
        eq: E::eq,
    }
}

impl<E> Variant<E> {
    /// The payload of a stored message that is an `E`.
    ///
    /// # Errors
    /// [`PayloadError`] when it is one, and its payload is not of its type.
    pub fn read(&self, event: &StoredMessage) -> Result<Option<E>, PayloadError> {
        (self.read)(event)
    }

    /// As [`Emitted::encode`].
    ///
    /// # Errors
    /// As that.
    pub fn emit(&self, event: &E) -> Result<Emitted, PayloadError> {
        (self.emit)(event)
    }

    pub fn produces(&self, out: &mut Produces) {
        (self.produces)(out);
    }

    /// As `#[derive(Debug)]` would.
    ///
    /// # Errors
    /// Those of the formatter.
    pub fn debug(&self, name: &str, event: &E, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.debug)(name, event, f)
    }

    pub fn clone(&self, event: &E) -> E {
        (self.clone)(event)
    }

    pub fn eq(&self, event: &E, other: &E) -> bool {
        (self.eq)(event, other)
    }
}

/// The payload of a stored message that is an `E`.
///
/// # Errors
/// [`PayloadError`] when it is one, and its payload is not of its type.
#[doc(hidden)]
pub fn read_event<E: MessageType>(event: &StoredMessage) -> Result<Option<E>, PayloadError> {
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
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, _f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match *self {
                    $($(#[$cfg])* Self::$variant(ref event) => {
                        $crate::__private::variant::<$event>().debug(::core::stringify!($variant), event, _f)
                    })*
                }
            }
        }
        #[automatically_derived]
        impl ::core::clone::Clone for $name {
            fn clone(&self) -> Self {
                match *self {
                    $($(#[$cfg])* Self::$variant(ref event) => {
                        Self::$variant($crate::__private::variant::<$event>().clone(event))
                    })*
                }
            }
        }
        #[automatically_derived]
        impl ::core::cmp::PartialEq for $name {
            #[allow(unreachable_patterns)]
            fn eq(&self, other: &Self) -> bool {
                match (self, other) {
                    $($(#[$cfg])* (Self::$variant(event), Self::$variant(other)) => {
                        $crate::__private::variant::<$event>().eq(event, other)
                    })*
                    _ => false,
                }
            }
        }
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
                        $crate::__private::variant::<$event>().read(_message)?
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
                        _out.push($crate::__private::variant::<$event>().emit(event)?);
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
                $($(#[$cfg])* _out.maybe(|out| $crate::__private::variant::<$event>().produces(out));)*
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
