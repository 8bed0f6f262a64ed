//! The swapper: makes newer versions of table projections live when they have caught up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;

use super::app::Inner;
use super::projection::swap_of;
use crate::backend::{BackendError, Swapped};
use crate::reactor::Reactor;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Between two tries when the storage did not answer.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// Tries to make each version of this program live that is newer than the live one. Any number of processes may do so.
#[derive(Clone)]
pub(super) struct Swapper {
    app: Arc<Inner>,
    stopped: watch::Receiver<bool>,
}

/// Whether there is anything to swap, ever.
pub(super) fn is_needed(app: &Inner) -> bool {
    app.reactors.iter().any(|reactor| is_later(&**reactor))
}

fn is_later(reactor: &dyn Reactor) -> bool {
    reactor.table().is_some_and(|table| table.version > 1)
}

impl Swapper {
    pub(super) fn new(app: Arc<Inner>, stopped: watch::Receiver<bool>) -> Self {
        Self { app, stopped }
    }

    pub(super) async fn run(mut self) {
        let by_hand = |reactor: &&Arc<dyn Reactor>| {
            let options = self.app.options.get(reactor.group());
            options.is_some_and(|options| options.swap_by_hand)
        };
        let mut waiting: Vec<Arc<dyn Reactor>> = self
            .app
            .reactors
            .iter()
            .filter(|reactor| is_later(&***reactor) && !by_hand(reactor))
            .cloned()
            .collect();
        while !*self.stopped.borrow() {
            let mut pause = PAUSE;
            let mut still = Vec::new();
            for reactor in waiting {
                match self.has_settled(&*reactor).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(group = %reactor.group(), %error, "whether it can be live is not known; trying again after a pause");
                        pause = LONG_PAUSE;
                    }
                }
                still.push(reactor);
            }
            waiting = still;
            let sleep = self.app.services.env.clock.sleep(pause);
            let is_done = waiting.is_empty();
            let stopped = self.stopped.wait_for(|stopped| *stopped).map(drop);
            tokio::select! {
                biased;
                () = stopped => {}
                () = sleep, if !is_done => {}
            }
        }
    }

    /// Whether there is nothing more to try.
    async fn has_settled(&self, reactor: &dyn Reactor) -> Result<bool, BackendError> {
        let Some(table) = reactor.table() else {
            return Ok(true);
        };
        let backend = &self.app.services.backend;
        let Some(live) = backend.live(table.name).await? else {
            return Ok(true);
        };
        let is_rolled_back = live
            .rolled_back
            .is_some_and(|version| version >= table.version);
        if live.version >= table.version || is_rolled_back {
            return Ok(true);
        }
        let Some(swap) = swap_of(reactor, live) else {
            return Ok(true);
        };
        let is_done = backend.swap(&swap).await? == Swapped::Done;
        if is_done {
            tracing::info!(
                table = table.name,
                version = table.version,
                "a new version of a projection is live"
            );
        }
        Ok(is_done)
    }
}
