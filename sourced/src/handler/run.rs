//! Running a handler over a batch: each event once, its commands with the acknowledgement.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tracing::Instrument as _;

use super::{Handler, Subscriptions};
use crate::actor::send;
use crate::backend::{BackendError, ReadStream};
use crate::failure::Failure;
use crate::message::{Kind, StoredMessage, TypeName};
use crate::reactor::{
    Batch, Clash, Context, Footing, Ground, Handled, History, Needs, Reactor, guarded, initial,
};
use crate::stream::{GroupId, Seq};
use crate::telemetry::spans;
use crate::topology::Flow;

/// Runs a handler.
pub struct HandlerReactor<H> {
    group: GroupId,
    table: Subscriptions<H>,
}

impl<H: Handler> HandlerReactor<H> {
    /// The reactor of this handler.
    ///
    /// # Panics
    /// When the handler's name is not a group id, which `#[handler]` does not let happen.
    pub fn shared() -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: group_of::<H>(),
            table: Subscriptions::of_handler(),
        })
    }

    /// What happened in the stream up to the end of the batch, when somebody asks.
    async fn history(&self, batch: &Batch<'_>, last: Option<Seq>) -> Result<History, BackendError> {
        if !self.table.reads_history {
            return Ok(History::default());
        }
        let read = ReadStream::all(batch.stream.clone())
            .only(Kind::Event)
            .upto(last);
        let events = batch.streams.read_stream(read).await?;
        Ok(History::new(events))
    }
}

/// The consumer group of a handler.
pub(super) fn group_of<H: Handler>() -> GroupId {
    GroupId::new(H::NAME).expect("a handler's name is a group id")
}

#[async_trait]
impl<H: Handler> Reactor for HandlerReactor<H> {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        self.table.reactions.types().cloned().collect()
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.table.needs
    }

    fn clashes(&self) -> Vec<Clash> {
        self.table.reactions.clashes().to_vec()
    }

    fn flow(&self) -> Flow {
        self.table.flow.clone()
    }

    async fn footing(&self, ground: &Ground<'_>) -> Result<Footing, BackendError> {
        let is_read = self.table.reads_history && ground.has(self.table.reactions.types());
        Ok(if is_read {
            Footing::Events
        } else {
            Footing::Nothing
        })
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let mut live = batch
            .deliveries
            .iter()
            .filter(|delivery| !delivery.replaying);
        let history = match live.next_back() {
            Some(last) => self.history(batch, Some(last.message.seq)).await?,
            None => History::default(),
        };
        let mut handled = Handled::default();
        for delivery in batch.deliveries {
            let event = &delivery.message;
            let n_upto = history.partition_point(|earlier| earlier.seq <= event.seq);
            let cx = batch.context(delivery);
            let cx = cx.with_history(history.clone().first(n_upto));
            // What was handled before has had its effects.
            let done = if delivery.replaying {
                Ok(())
            } else {
                self.handle_one(batch, event, &cx, &mut handled).await
            };
            if let Err(failure) = done {
                handled.failure = Some(failure);
                break;
            }
            handled.upto = Some(event.position);
        }
        Ok(handled)
    }
}

impl<H: Handler> HandlerReactor<H> {
    async fn handle_one(
        &self,
        batch: &Batch<'_>,
        event: &StoredMessage,
        cx: &Context,
        handled: &mut Handled,
    ) -> Result<(), Failure> {
        let Some(react) = self.table.reactions.get(&event.type_name) else {
            return Ok(());
        };
        let dispatched = guarded(async {
            let instance = initial(&**batch.streams, || H::initial(batch.stream));
            react(&instance, event, cx).await
        });
        let span = spans::react(H::NAME, event, batch.first());
        let dispatched = dispatched.instrument(span).await?;
        let Handled {
            appends, schedules, ..
        } = handled;
        send(batch.services, event, dispatched, appends, schedules)
    }
}

impl<H> fmt::Debug for HandlerReactor<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerReactor")
            .field("group", &self.group)
            .field("table", &self.table)
            .finish()
    }
}
