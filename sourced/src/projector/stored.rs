//! Projectors whose state is loaded as it was saved.
//!
//! A replay does not load: the events in it are in what was saved, so the state is made anew from the stream, as that of
//! an event-sourced projector always is.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::after::{self, Saved};
use super::run::{Folded, at_event};
use super::{Projection, Projector, ProjectorReactor};
use crate::backend::{SyncAction, Tx};
use crate::failure::Failure;
use crate::message::StoredMessage;
use crate::reactor::{
    Batch, Context, FailedAt, Handled, History, OldShape, Streams, guarded, guarded_now, initial,
};

/// Loads its state before the transaction that saves it. `#[projector(stored)]` writes this.
pub trait Loads: Projector {
    /// What was saved for the stream, if anything was.
    fn load(cx: &Context) -> impl Future<Output = Result<Option<Self>, Failure>> + Send;
}

/// Loads its state in the transaction that saves it. `#[projector(stored)]` writes this.
pub trait LoadsInTx: Projector {
    /// What was saved for the stream, if anything was.
    fn load(
        tx: &mut Tx<'_>,
        cx: &Context,
    ) -> impl Future<Output = Result<Option<Self>, Failure>> + Send;
}

/// How a state is loaded.
pub(super) enum Load<P> {
    Before(LoadBefore<P>),
    InTx(LoadInTx<P>),
}

type LoadBefore<P> = for<'a> fn(&'a Context) -> BoxFuture<'a, Result<Option<P>, Failure>>;

type LoadInTx<P> =
    for<'a, 't> fn(&'a mut Tx<'t>, &'a Context) -> BoxFuture<'a, Result<Option<P>, Failure>>;

impl<P: Loads> Load<P> {
    pub(super) fn before() -> Self {
        Self::Before(load_before::<P>)
    }
}

impl<P: LoadsInTx> Load<P> {
    pub(super) fn in_tx() -> Self {
        Self::InTx(load_in_tx::<P>)
    }
}

fn load_before<P: Loads>(cx: &Context) -> BoxFuture<'_, Result<Option<P>, Failure>> {
    Box::pin(P::load(cx))
}

fn load_in_tx<'a, P: LoadsInTx>(
    tx: &'a mut Tx<'_>,
    cx: &'a Context,
) -> BoxFuture<'a, Result<Option<P>, Failure>> {
    Box::pin(P::load(tx, cx))
}

impl<P: Projector> ProjectorReactor<P> {
    /// Folds the batch onto what was saved last.
    ///
    /// It is loaded outside of the transaction, but after the lane was claimed: whoever held the lane before has saved
    /// already, or is fenced when he tries to, and nobody else saves before this batch is acknowledged.
    pub(super) async fn fold_onto_loaded(
        &self,
        batch: &Batch<'_>,
        load: LoadBefore<P>,
    ) -> Result<Folded<P>, Failure> {
        let mut state = self.loaded(batch, load).await?;
        let mut handled = Handled::default();
        for (n_done, delivery) in batch.deliveries.iter().enumerate() {
            let event = &delivery.message;
            let done = async {
                let evolved = self.table.evolution.evolve(&mut state, event);
                evolved.map_err(OldShape::from)?;
                self.react(batch, &state, event, History::default(), &mut handled)
                    .await
            };
            if let Err(failure) = guarded(done).await {
                // A panic may have left the state half changed: what went well is folded once more, reactions apart.
                let mut state = self.loaded(batch, load).await?;
                for done in &batch.deliveries[..n_done] {
                    _ = self.table.evolution.evolve(&mut state, &done.message);
                }
                return Ok(Folded {
                    state,
                    handled,
                    failed: Some((event.seq, at_event::<P>(event, failure))),
                });
            }
        }
        Ok(Folded {
            state,
            handled,
            failed: None,
        })
    }

    async fn loaded(&self, batch: &Batch<'_>, load: LoadBefore<P>) -> Result<P, Failure> {
        let cx = batch.context(&batch.deliveries[0]);
        let found = guarded(load(&cx)).await?;
        let first = || initial(&**batch.streams, || P::initial(batch.stream));
        Ok(found.unwrap_or_else(first))
    }

    /// Leaves everything to the transaction.
    pub(super) fn fold_in_tx(&self, batch: &Batch<'_>, load: LoadInTx<P>) -> Handled {
        let events = batch.deliveries.iter();
        let fold = FoldInTx {
            table: Arc::clone(&self.table),
            load,
            streams: Arc::clone(batch.streams),
            events: events.map(|delivery| delivery.message.clone()).collect(),
            cx: batch.context(&batch.deliveries[0]),
            saved: Saved::default(),
        };
        Handled {
            upto: fold.events.last().map(|event| event.position),
            afterwards: self.after_commit(batch, &batch.deliveries[0], &fold.saved),
            syncs: vec![Arc::new(fold)],
            ..Handled::default()
        }
    }
}

/// Loads the state, folds the batch onto it and saves it, inside the transaction that acknowledges.
struct FoldInTx<P> {
    table: Arc<Projection<P>>,
    load: LoadInTx<P>,
    streams: Arc<dyn Streams>,
    events: Vec<StoredMessage>,
    cx: Context,
    saved: Saved<P>,
}

#[async_trait]
impl<P: Projector> SyncAction for FoldInTx<P> {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let found = guarded((self.load)(tx, &self.cx)).await?;
        let first = || initial(&*self.streams, || P::initial(self.cx.stream_id()));
        let mut state = found.unwrap_or_else(first);
        for event in &self.events {
            let evolved = guarded_now(|| self.table.evolution.evolve(&mut state, event));
            let evolved = evolved.and_then(|evolved| Ok(evolved.map_err(OldShape::from)?));
            evolved.map_err(|failure| self.failed_at(event, failure))?;
        }
        guarded(state.sync(tx, &self.cx)).await?;
        *after::saved(&self.saved) = Some(Arc::new(state));
        Ok(())
    }
}

impl<P: Projector> FoldInTx<P> {
    fn failed_at(&self, event: &StoredMessage, failure: Failure) -> Failure {
        let (failure, position) = (at_event::<P>(event, failure), event.position);
        if self.events[0].position == position {
            return failure;
        }
        Failure::from(FailedAt {
            position,
            is_to_blame: true,
            failure,
        })
    }
}

impl<P: Projector> fmt::Debug for FoldInTx<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoldInTx")
            .field("projector", &P::NAME)
            .field("n_events", &self.events.len())
            .finish_non_exhaustive()
    }
}
