//! Evolve: how an event changes a state.

use std::fmt;

use crate::message::{Event, Message, PayloadError, StoredMessage, TypeName};
use crate::reactor::{Clash, Rows};

/// A state that knows how an event changes it. `#[event]` methods write this.
///
/// Evolving is pure: the same state and event give the same state, today and in ten years. It cannot refuse, wait or
/// reach out.
///
/// While a command is being decided its events are evolved before they are stored. The `seq` and `position` of such a
/// message are those it would have if nothing else were appended, so a state should not be made of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `#[event]` method for `{E}`",
    label = "`{E}` is not an event of `{Self}`",
    note = "add `#[event] fn …(&mut self, event: &{E})` to the `impl` of `{Self}`"
)]
pub trait Evolves<E> {
    /// Changes the state by what happened.
    fn evolve(&mut self, message: Message<E>);
}

type Row<S> = fn(&mut S, &StoredMessage) -> Result<(), PayloadError>;

/// The events a state evolves by, as a table from type names to functions.
pub struct Evolution<S> {
    rows: Rows<Row<S>>,
    before: Option<fn(&mut S, &StoredMessage)>,
}

impl<S> Evolution<S> {
    pub(crate) fn new() -> Self {
        Self {
            rows: Rows::default(),
            before: None,
        }
    }

    pub(crate) fn before(&mut self, before: fn(&mut S, &StoredMessage)) {
        self.before = Some(before);
    }

    pub(crate) fn insert<E: Event>(&mut self)
    where
        S: Evolves<E>,
    {
        self.rows.insert::<E>(evolve_by::<S, E>);
    }

    /// Whether the state changes by events of this type.
    pub fn knows(&self, type_name: &TypeName) -> bool {
        self.rows.get(type_name).is_some()
    }

    /// The types of events the state changes by, under all names they may be stored as, in no order.
    pub fn types(&self) -> impl Iterator<Item = &TypeName> {
        self.rows.names()
    }

    /// The stored names that two events claim.
    pub(crate) fn clashes(&self) -> &[Clash] {
        self.rows.clashes()
    }

    /// Changes a state by a stored event. Events of other types change nothing.
    ///
    /// # Errors
    /// [`PayloadError`] when the payload is not of its type.
    pub fn evolve(&self, state: &mut S, message: &StoredMessage) -> Result<(), PayloadError> {
        let Some(row) = self.rows.get(&message.type_name) else {
            return Ok(());
        };
        if let Some(before) = self.before {
            before(state, message);
        }
        row(state, message)
    }
}

fn evolve_by<S: Evolves<E>, E: Event>(
    state: &mut S,
    message: &StoredMessage,
) -> Result<(), PayloadError> {
    state.evolve(message.decode()?);
    Ok(())
}

impl<S> fmt::Debug for Evolution<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.rows.names()).finish()
    }
}
