//! Running a projector over a batch: one load, one evolve over all of it, one save.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Projection, Projector};
use crate::backend::{BackendError, ReadStream, SyncAction, Tx};
use crate::failure::Failure;
use crate::message::{Kind, StoredMessage, TypeName};
use crate::reactor::{Batch, Clash, Context, Handled, Needs, Reactor, guarded};
use crate::stream::{GroupId, Seq};
use crate::topology::Flow;

/// Runs an event-sourced projector.
pub struct ProjectorReactor<P> {
    group: GroupId,
    table: Projection<P>,
}

impl<P: Projector> ProjectorReactor<P> {
    /// The reactor of this projector.
    ///
    /// # Panics
    /// When the projector's name is not a group id, which `#[projector]` does not let happen.
    pub fn shared() -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: group_of::<P>(),
            table: Projection::of_projector(),
        })
    }

    /// Folds the history. On a failure the state is that before the event that failed, and its seq is given too.
    async fn fold(
        &self,
        batch: &Batch<'_>,
        history: &[StoredMessage],
    ) -> (P, Option<(Seq, Failure)>) {
        let mut state = P::initial(batch.stream);
        for (n_done, event) in history.iter().enumerate() {
            let evolved =
                guarded(async { Ok(self.table.evolution.evolve(&mut state, event)?) }).await;
            if let Err(failure) = evolved {
                let failure = Failure::msg(format!(
                    "`{}` at seq {}: {failure}",
                    event.type_name, event.seq
                ));
                // A panic may have left the state half changed: what went well is folded once more.
                let (state, _) = Box::pin(self.fold(batch, &history[..n_done])).await;
                return (state, Some((event.seq, failure)));
            }
        }
        (state, None)
    }
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

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let last = batch.deliveries.last().map(|delivery| delivery.message.seq);
        let read = ReadStream::all(batch.stream.clone())
            .only(Kind::Event)
            .upto(last);
        let history = batch.streams.read_stream(read).await?;

        let (state, failed) = self.fold(batch, &history).await;
        let is_done = |seq: Seq| failed.as_ref().is_none_or(|(failed, _)| seq < *failed);
        let done = batch
            .deliveries
            .iter()
            .take_while(|delivery| is_done(delivery.message.seq))
            .last();

        let mut handled = Handled::default();
        if let Some(last_done) = done {
            // The batch counts as a replay only when all of it is one.
            let live = batch
                .deliveries
                .iter()
                .find(|delivery| !delivery.replaying && is_done(delivery.message.seq));
            let cx = batch.services.context(live.unwrap_or(last_done));
            handled.upto = Some(last_done.message.position);
            handled.syncs.push(Arc::new(Save { state, cx }));
        }
        handled.failure = failed.map(|(_, failure)| failure);
        Ok(handled)
    }
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
    state: P,
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
