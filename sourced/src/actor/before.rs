//! Where a batch's history starts: with the stream, after a snapshot, or after a state that is known.

use std::sync::Arc;

use super::known::Known;
use super::load::{Found, Reach, load};
use super::{Actor, Handlers};
use crate::backend::{BackendError, ReadStream};
use crate::message::Kind;
use crate::reactor::{Batch, History};
use crate::stream::Seq;

/// What the start of a batch's history holds.
#[derive(Default)]
pub(super) struct Before {
    /// The seq of the last event in it.
    pub(super) seq: Option<Seq>,
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
        let read = ReadStream::all(stream.clone());
        let known = match reach {
            Reach::Newest => Known::take(streams, stream),
            _ => None,
        };
        let Some(known) = known else {
            let found = load(streams, handlers, read, reach).await?;
            let before = Self {
                seq: found.history.base().map(|snapshot| snapshot.seq),
                ..Self::default()
            };
            return Ok((before, found));
        };
        let Known {
            state,
            seq,
            n_events,
        } = *known;
        let tail = streams.read_stream(read.only(Kind::Event).after(seq));
        let found = Found {
            history: History::shared(Arc::new(tail.await?)),
            base: Some(state),
        };
        let before = Self {
            seq,
            n_events,
            is_known: true,
        };
        Ok((before, found))
    }
}
