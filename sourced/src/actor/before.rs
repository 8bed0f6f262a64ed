//! Where a batch's history starts: with the stream, after a snapshot, or after a state that is known.

use std::sync::Arc;

use super::known::{Known, tail_of};
use super::load::{Found, Reach, load};
use super::{Actor, Handlers};
use crate::backend::{BackendError, LastEvent, ReadStream};
use crate::message::StoredMessage;
use crate::reactor::{Batch, History};

/// What the start of a batch's history holds.
#[derive(Default)]
pub(super) struct Before {
    /// The last event in it.
    pub(super) last: Option<LastEvent>,
    /// How many of its events came after a snapshot.
    pub(super) n_events: usize,
    /// Whether it was known, so that it cannot be read once more.
    pub(super) is_known: bool,
}

impl Before {
    /// Finds the start with what came after it: of the stream, of a snapshot, or of a state that is known.
    pub(super) async fn find<A: Actor>(
        handlers: &Handlers<A>,
        batch: &Batch<'_>,
        reach: Reach,
    ) -> Result<(Self, Found<A>), BackendError> {
        let (streams, stream) = (&**batch.streams, batch.stream);
        if reach == Reach::Newest
            && let Some(known) = Known::take(streams, stream)
            && let Some(tail) = tail_of(streams, stream, known.last).await?
        {
            return Ok(Self::known(*known, tail));
        }
        let read = ReadStream::all(stream.clone());
        let found = load(streams, handlers, read, reach).await?;
        let before = Self {
            last: found.history.base().map(|snapshot| snapshot.last_event()),
            ..Self::default()
        };
        Ok((before, found))
    }

    fn known<A>(known: Known<A>, tail: Vec<StoredMessage>) -> (Self, Found<A>) {
        let found = Found {
            history: History::shared(Arc::new(tail)),
            base: Some(known.state),
        };
        let before = Self {
            last: known.last,
            n_events: known.n_events,
            is_known: true,
        };
        (before, found)
    }
}
