//! The promoter: moves scheduled messages into their streams when their time has come.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::app::Inner;
use super::vitals::LastLook;
use crate::backend::{Promotion, Signal};
use crate::telemetry::{self, spans};

/// Messages of one promotion: a bound for how long its transaction stays open.
const BATCH: usize = 500;

/// Promotes what is due, and sleeps until the next message's time.
///
/// Any number of processes do the same. What this process schedules wakes its promoter; what others do is noticed when
/// the longest pause between two looks is over.
#[derive(Clone)]
pub(super) struct Promoter {
    app: Arc<Inner>,
    looked: Arc<LastLook>,
    stopped: watch::Receiver<bool>,
}

impl Promoter {
    pub(super) fn new(
        app: Arc<Inner>,
        looked: Arc<LastLook>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            app,
            looked,
            stopped,
        }
    }

    pub(super) async fn run(mut self) {
        // Taken before the first look, so that nothing scheduled after it goes unnoticed.
        let mut signal = self.app.scheduled.clone();
        let mut backoff = self.app.workers.poll_min;
        while !*self.stopped.borrow() {
            let promotion = self.promote().await;
            let has_moved = promotion.is_some_and(|done| done.promoted + done.set_aside > 0);
            let next_in = promotion.map(|done| done.next_in);
            let pause = match next_in {
                Some(Some(Duration::ZERO)) if has_moved => continue,
                // The storage does not answer, or somebody else is at it.
                None | Some(Some(Duration::ZERO)) => {
                    let pause = backoff;
                    backoff = (backoff * 2).min(self.app.workers.poll_max);
                    pause
                }
                Some(next_in) => {
                    backoff = self.app.workers.poll_min;
                    let longest = self.app.workers.poll_max;
                    next_in.map_or(longest, |next_in| next_in.min(longest))
                }
            };
            self.wait(&mut signal, pause).await;
        }
    }

    async fn promote(&self) -> Option<Promotion> {
        let services = &self.app.services;
        let span = spans::promote();
        let promotion = services.backend.promote(BATCH).instrument(span.clone());
        match promotion.await {
            Ok(promotion) => {
                self.looked.note(services.env.clock.now());
                span.record("promoted", promotion.promoted);
                span.record("set_aside", promotion.set_aside);
                telemetry::PROMOTED.add(promotion.promoted as u64, &[]);
                telemetry::SET_ASIDE.add(promotion.set_aside as u64, &[]);
                if promotion.set_aside > 0 {
                    tracing::error!(
                        set_aside = promotion.set_aside,
                        "scheduled messages could not be promoted and were set aside"
                    );
                }
                Some(promotion)
            }
            Err(error) => {
                tracing::warn!(%error, "nothing scheduled could be promoted; trying again after a pause");
                None
            }
        }
    }

    async fn wait(&mut self, signal: &mut Signal, pause: Duration) {
        let sleep = self.app.services.env.clock.sleep(pause);
        let stopped = self.stopped.wait_for(|stopped| *stopped).map(drop);
        tokio::select! {
            biased;
            () = stopped => {}
            () = signal.raised() => {}
            () = sleep => {}
        }
    }
}
