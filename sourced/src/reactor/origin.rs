//! A state to begin with, in the place of the initial one.

use std::any::Any;
use std::fmt;

use super::Streams;

/// Makes a state, as often as one is needed, to begin with instead of the initial one.
pub struct Origin(Box<dyn Fn() -> Box<dyn Any> + Send + Sync>);

impl Origin {
    /// Begins with copies of this state.
    pub fn of<S: Clone + Send + Sync + 'static>(state: S) -> Self {
        Self(Box::new(move || Box::new(state.clone())))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").finish_non_exhaustive()
    }
}

/// The state before the first event: that which the streams begin with, or the reactor's own.
pub(crate) fn initial<S: 'static>(streams: &dyn Streams, own: impl FnOnce() -> S) -> S {
    let given = streams
        .origin()
        .and_then(|origin| (origin.0)().downcast().ok());
    given.map_or_else(own, |state| *state)
}
