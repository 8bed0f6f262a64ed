//! The swapper: makes newer versions of table projections live when they have caught up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;

use super::app::Inner;
use super::projection::swap_of;
use super::swapping::{Attempts, PAUSE};
use crate::backend::{BackendError, Live, Swap, Swapped};
use crate::reactor::Reactor;

/// Between two looks when the storage did not answer.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// Tries to make each version of this program live that is newer than the live one. Any number of processes may do so.
#[derive(Clone)]
pub(super) struct Swapper {
    app: Arc<Inner>,
    stopped: watch::Receiver<bool>,
}

/// A version that is not live yet.
struct Candidate {
    reactor: Arc<dyn Reactor>,
    attempts: Attempts,
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
        let reactors = self.app.reactors.iter();
        let mut waiting: Vec<Candidate> = reactors
            .filter(|reactor| is_later(&***reactor) && !by_hand(reactor))
            .map(|reactor| Candidate::new(Arc::clone(reactor)))
            .collect();
        while !*self.stopped.borrow() {
            let mut pause = PAUSE;
            let mut still = Vec::new();
            for mut candidate in waiting {
                match self.has_settled(&mut candidate).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::warn!(group = %candidate.reactor.group(), %error, "whether it can be live is not known; trying again after a pause");
                        pause = LONG_PAUSE;
                    }
                }
                still.push(candidate);
            }
            waiting = still;
            let is_done = waiting.is_empty();
            let sleep = self.app.services.env.clock.sleep(pause);
            let stopped = self.stopped.wait_for(|stopped| *stopped).map(drop);
            tokio::select! {
                biased;
                () = stopped => {}
                () = sleep, if !is_done => {}
            }
        }
    }

    /// Whether there is nothing more to try.
    async fn has_settled(&self, candidate: &mut Candidate) -> Result<bool, BackendError> {
        let reactor = &*candidate.reactor;
        let backend = &self.app.services.backend;
        let Some(table) = reactor.table() else {
            return Ok(true);
        };
        let Some(live) = backend.live(table.name).await? else {
            return Ok(true);
        };
        let Some(swap) = swap_of(reactor, live).filter(is_wanted) else {
            return Ok(true);
        };
        let is_stopped = || *self.stopped.borrow();
        let clock = &*self.app.services.env.clock;
        let tried = candidate
            .attempts
            .swap(&**backend, clock, &swap, is_stopped);
        Ok(tried.await? == Swapped::Done)
    }
}

impl Candidate {
    fn new(reactor: Arc<dyn Reactor>) -> Self {
        Self {
            reactor,
            attempts: Attempts::default(),
        }
    }
}

/// Nobody goes back by himself, nor to what somebody went back from.
fn is_wanted(swap: &Swap) -> bool {
    let Live {
        version,
        rolled_back,
        ..
    } = swap.seen;
    swap.version > version && rolled_back.is_none_or(|version| swap.version > version)
}
