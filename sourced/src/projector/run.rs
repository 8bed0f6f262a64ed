//! Running a projector over a batch: one load, one pass over all of it with its reactions, one save.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument as _;

use super::after::{AfterCommit, Saved};
use super::stored::Load;
use super::{Projection, Projector};
use crate::actor::send;
use crate::backend::{BackendError, Delivery, ReadStream, SyncAction, Tx};
use crate::failure::Failure;
use crate::message::{Kind, StoredMessage, TypeName};
use crate::reactor::{
    Afterwards, Batch, Clash, Context, EventFailure, Footing, Ground, Handled, History, Needs,
    OldShape, Reactor, States, guarded, initial,
};
use crate::stream::{GroupId, Seq};
use crate::telemetry::spans;
use crate::topology::Flow;

/// Runs a projector.
pub struct ProjectorReactor<P> {
    group: GroupId,
    pub(super) table: Arc<Projection<P>>,
}

impl<P: Projector> ProjectorReactor<P> {
    /// The reactor of this projector.
    ///
    /// # Panics
    /// When the projector's name is not a group id, which `#[projector]` does not let happen.
    pub fn shared() -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: group_of::<P>(),
            table: Arc::new(Projection::of_projector()),
        })
    }

    /// Folds the history, and reacts to those of its events that are delivered for the first time. On a failure the
    /// state is that before the event that failed, and its seq is given too.
    async fn fold(&self, batch: &Batch<'_>, history: &Arc<Vec<StoredMessage>>) -> Folded<P> {
        let mut state = initial(&**batch.streams, || P::initial(batch.stream));
        let mut handled = Handled::default();
        for (n_done, event) in history.iter().enumerate() {
            let done = async {
                let evolved = self.table.evolution.evolve(&mut state, event);
                evolved.map_err(OldShape::from)?;
                let upto = History::shared(Arc::clone(history)).first(n_done + 1);
                self.react(batch, &state, event, upto, &mut handled).await
            };
            if let Err(failure) = guarded(done).await {
                // A panic may have left the state half changed: what went well is folded once more, reactions apart.
                return Folded {
                    state: self.refold(batch, &history[..n_done]),
                    handled,
                    failed: Some((event.seq, at_event::<P>(event, failure))),
                };
            }
        }
        Folded {
            state,
            handled,
            failed: None,
        }
    }

    /// Folds the batch onto what the one before it came to. `None` when that is not known here, or something went wrong:
    /// then all is folded from the beginning.
    async fn fold_on(&self, batch: &Batch<'_>) -> Result<Option<P>, BackendError> {
        let known = self
            .states(batch)
            .and_then(|states| states.take(batch.stream));
        let Some(Known { state, upto }) = known.map(|known: Box<Known<P>>| *known) else {
            return Ok(None);
        };
        // After a reset it goes too far. And it may still be on its way into the storage.
        let (true, Some(mut state)) = (upto < batch.first().seq, Arc::into_inner(state)) else {
            return Ok(None);
        };
        let events = history_of(batch, Some(upto)).await?;
        let span = spans::evolve(P::NAME, events.len());
        let fold = async {
            for event in &events {
                self.table.evolution.evolve(&mut state, event)?;
            }
            Ok(())
        };
        let folded = guarded(fold).instrument(span).await;
        Ok(folded.is_ok().then_some(state))
    }

    /// Where states are kept between batches. Reactions may ask for the whole history, which is read then anyway.
    fn states<'b>(&self, batch: &Batch<'b>) -> Option<&'b States> {
        let has_reactions = self.table.reactions.types().next().is_some();
        batch.streams.states().filter(|_| !has_reactions)
    }

    async fn fold_all(&self, batch: &Batch<'_>) -> Result<Folded<P>, BackendError> {
        let history = history_of(batch, None).await?;
        let span = spans::evolve(P::NAME, history.len());
        Ok(self.fold(batch, &Arc::new(history)).instrument(span).await)
    }

    pub(super) async fn react(
        &self,
        batch: &Batch<'_>,
        state: &P,
        event: &StoredMessage,
        history: History,
        handled: &mut Handled,
    ) -> Result<(), Failure> {
        let delivered = |delivery: &&Delivery| delivery.message.seq == event.seq;
        let (Some(react), Some(delivery)) = (
            self.table.reactions.get(&event.type_name),
            batch.deliveries.iter().find(delivered),
        ) else {
            return Ok(());
        };
        if delivery.replaying {
            return Ok(());
        }
        let cx = batch.context(delivery).with_history(history);
        let span = spans::react(P::NAME, event, batch.first());
        let dispatched = react(state, event, &cx).instrument(span).await?;
        let Handled {
            appends, schedules, ..
        } = handled;
        send(batch.services, event, dispatched, appends, schedules)
    }

    /// Folds what has been folded before.
    fn refold(&self, batch: &Batch<'_>, history: &[StoredMessage]) -> P {
        let mut state = initial(&**batch.streams, || P::initial(batch.stream));
        for event in history {
            // It went well a moment ago, and evolving always comes out the same.
            _ = self.table.evolution.evolve(&mut state, event);
        }
        state
    }
}

/// What a fold came to.
pub(super) struct Folded<P> {
    pub(super) state: P,
    /// What the reactions led to.
    pub(super) handled: Handled,
    /// The seq of the event that failed, and why.
    pub(super) failed: Option<(Seq, Failure)>,
}

/// A failure that says at which event.
pub(super) fn at_event<P: Projector>(event: &StoredMessage, failure: Failure) -> Failure {
    EventFailure::at(&group_of::<P>(), event, failure)
}

/// The consumer group of a projector.
pub(super) fn group_of<P: Projector>() -> GroupId {
    GroupId::new(P::NAME).expect("a projector's name is a group id")
}

#[async_trait]
impl<P: Projector> Reactor for ProjectorReactor<P> {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        self.table.evolution.types().cloned().collect()
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.table.needs
    }

    fn clashes(&self) -> Vec<Clash> {
        self.table.evolution.clashes().to_vec()
    }

    fn flow(&self) -> Flow {
        self.table.flow.clone()
    }

    fn takes_part_in_units(&self) -> bool {
        // What is loaded outside of a unit's transaction does not know what the unit has done already.
        !matches!(self.table.load, Some(Load::Before(_)))
    }

    async fn footing(&self, ground: &Ground<'_>) -> Result<Footing, BackendError> {
        // What is saved is enough, where there is no replay.
        let is_read = self.table.load.is_none() && ground.has(self.table.evolution.types());
        Ok(if is_read {
            Footing::Events
        } else {
            Footing::Nothing
        })
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let is_replay = batch.deliveries.iter().any(|delivery| delivery.replaying);
        let is_refolded = is_replay || batch.streams.forgets_what_was_saved();
        let load = self.table.load.as_ref().filter(|_| !is_refolded);
        let folded = match load {
            Some(Load::InTx(load)) => return Ok(self.fold_in_tx(batch, *load)),
            Some(Load::Before(load)) => {
                let span = spans::evolve(P::NAME, batch.deliveries.len());
                let folded = self.fold_onto_loaded(batch, *load).instrument(span).await;
                match folded {
                    Ok(folded) => folded,
                    // The message is not to blame for a storage that does not answer.
                    Err(failure) if BackendError::outage_in(failure.source()).is_some() => {
                        return Err(BackendError::of_outage(failure));
                    }
                    Err(failure) => return Ok(Handled::failed(failure)),
                }
            }
            None => match self.fold_on(batch).await? {
                Some(state) => Folded {
                    state,
                    handled: Handled::default(),
                    failed: None,
                },
                None => self.fold_all(batch).await?,
            },
        };
        Ok(self.save(batch, folded))
    }
}

impl<P: Projector> ProjectorReactor<P> {
    /// Saves what went well.
    fn save(&self, batch: &Batch<'_>, folded: Folded<P>) -> Handled {
        let Folded {
            state,
            mut handled,
            failed,
        } = folded;
        let state = Arc::new(state);
        let is_done = |seq: Seq| failed.as_ref().is_none_or(|(failed, _)| seq < *failed);
        let done = batch
            .deliveries
            .iter()
            .take_while(|delivery| is_done(delivery.message.seq))
            .last();

        if let Some(last_done) = done {
            // The batch counts as a replay only when all of it is one.
            let live = batch
                .deliveries
                .iter()
                .find(|delivery| !delivery.replaying && is_done(delivery.message.seq));
            let of = live.unwrap_or(last_done);
            let cx = batch.context(of);
            handled.upto = Some(last_done.message.position);
            let saved = Saved::new(Some(Arc::clone(&state)).into());
            handled.afterwards = self.after_commit(batch, of, &saved);
            if let (None, Some(states)) = (&failed, self.states(batch)) {
                let (state, upto) = (Arc::clone(&state), last_done.message.seq);
                let known = Known { state, upto };
                states.keep(batch.stream, Some(upto), Box::new(known));
            }
            handled.syncs.push(Arc::new(Save { state, cx }));
        }
        handled.failure = failed.map(|(_, failure)| failure);
        handled
    }

    /// What to do when the batch is stored.
    pub(super) fn after_commit(
        &self,
        batch: &Batch<'_>,
        of: &Delivery,
        saved: &Saved<P>,
    ) -> Vec<Arc<dyn Afterwards>> {
        let after = self.table.after_sync.map(|row| AfterCommit {
            row,
            saved: Arc::clone(saved),
            cx: batch.context(of),
        });
        after
            .map(|after| Arc::new(after) as Arc<dyn Afterwards>)
            .into_iter()
            .collect()
    }
}

/// The state of a stream with all its events up to a seq. While it is being saved it is shared with that.
struct Known<P> {
    state: Arc<P>,
    upto: Seq,
}

/// The events after `known` up to the last delivery. Deliveries that follow each other without a gap are not read again.
async fn history_of(
    batch: &Batch<'_>,
    known: Option<Seq>,
) -> Result<Vec<StoredMessage>, BackendError> {
    let events = ReadStream::all(batch.stream.clone())
        .only(Kind::Event)
        .after(known);
    let seqs = || batch.deliveries.iter().map(|delivery| delivery.message.seq);
    let is_dense = seqs()
        .zip(seqs().skip(1))
        .all(|(seq, next)| next == Seq::after(Some(seq)));
    if !is_dense {
        return batch
            .streams
            .read_stream(events.upto(seqs().next_back()))
            .await;
    }
    let before = seqs().next().and_then(|first| Seq::new(first.get() - 1));
    let mut history = if before == known {
        Vec::new()
    } else {
        batch.streams.read_stream(events.upto(before)).await?
    };
    let delivered = batch.deliveries.iter().map(|delivery| &delivery.message);
    history.extend(
        delivered
            .filter(|message| message.kind == Kind::Event)
            .cloned(),
    );
    Ok(history)
}

impl<P> fmt::Debug for ProjectorReactor<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectorReactor")
            .field("group", &self.group)
            .field("table", &self.table)
            .finish()
    }
}

/// Saves a projector's state inside the transaction that acknowledges.
struct Save<P> {
    state: Arc<P>,
    cx: Context,
}

#[async_trait]
impl<P: Projector> SyncAction for Save<P> {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        guarded(self.state.sync(tx, &self.cx)).await
    }
}

impl<P: Projector> fmt::Debug for Save<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save")
            .field("projector", &P::NAME)
            .finish_non_exhaustive()
    }
}
