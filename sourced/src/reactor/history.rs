//! What happened in a stream, for handlers that ask for it.

use std::ops::Deref;
use std::sync::Arc;

use crate::backend::{LastEvent, Snapshot};
use crate::message::{Message, MessageType, PayloadError, StoredMessage};
use crate::stream::Seq;

/// The events of a stream, oldest first. A handler gets them by a parameter `history: &History`.
///
/// A command sees those before it, those decided in the same batch included; a reaction and a handler see those up to
/// their own event, and it.
///
/// ```
/// use sourced::prelude::*;
///
/// #[derive(Debug, Default)]
/// struct Cart;
///
/// #[actor]
/// impl Cart {
///     #[command]
///     fn count(&self, history: &History) -> Counted {
///         Counted { n_events: history.len() }
///     }
///
///     #[event]
///     fn counted(&mut self, _n_events: usize) {}
/// }
///
/// assert_eq!(Cart.count(&History::default()), Counted { n_events: 0 });
/// ```
#[derive(Debug, Clone, Default)]
pub struct History {
    /// None are none.
    events: Option<Arc<Vec<StoredMessage>>>,
    len: usize,
    /// What the events come after, where they do not begin with the first.
    base: Option<Arc<Snapshot>>,
}

impl History {
    /// These events, for calling a handler by hand.
    pub fn new(events: impl IntoIterator<Item = StoredMessage>) -> Self {
        Self::shared(Arc::new(events.into_iter().collect()))
    }

    pub(crate) fn shared(events: Arc<Vec<StoredMessage>>) -> Self {
        let len = events.len();
        Self {
            events: Some(events),
            len,
            base: None,
        }
    }

    /// The same, but what happened up to this snapshot is left out of it.
    pub(crate) fn since(mut self, base: Option<Arc<Snapshot>>) -> Self {
        self.base = base;
        self
    }

    pub(crate) fn into_events(self) -> Arc<Vec<StoredMessage>> {
        self.events.unwrap_or_default()
    }

    /// The snapshot that the events come after.
    pub(crate) fn base(&self) -> Option<&Arc<Snapshot>> {
        self.base.as_ref()
    }

    /// The last event, also where that is in the snapshot.
    pub(crate) fn last_event(&self) -> Option<LastEvent> {
        let base = self.base.as_ref().map(|snapshot| snapshot.last_event());
        self.last().map(LastEvent::from).or(base)
    }

    /// Its seq.
    pub(crate) fn last_seq(&self) -> Option<Seq> {
        self.last_event().map(|event| event.seq)
    }

    /// The first ones only.
    pub(crate) fn first(mut self, len: usize) -> Self {
        self.len = len.min(self.len);
        self
    }

    /// Those of one type, also where they were stored under an older name or as what the type was before.
    ///
    /// # Errors
    /// [`PayloadError`] when the payload of one is not of its type.
    pub fn of<M: MessageType>(&self) -> Result<Vec<Message<M>>, PayloadError> {
        let names = M::names();
        let is_one = |event: &&StoredMessage| names.contains(&event.type_name.as_str());
        self.iter()
            .filter(is_one)
            .map(StoredMessage::decode)
            .collect()
    }
}

impl Deref for History {
    type Target = [StoredMessage];
    fn deref(&self) -> &[StoredMessage] {
        self.events
            .as_ref()
            .map_or(&[], |events| &events[..self.len])
    }
}
