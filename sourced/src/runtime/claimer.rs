//! The claimer: finds work and hands it to lane tasks.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::app::Inner;
use super::lane::LaneTasks;
use crate::backend::{Claim, ClaimRequest, Signal, WorkerId};
use crate::telemetry::{self, Stopwatch, spans};

/// How long free room for a lane may wait for more of it.
const PATIENCE: Duration = Duration::from_millis(2);

/// Claims lanes as long as there is room and work, and waits for either otherwise.
#[derive(Clone)]
pub(super) struct Claimer {
    app: Arc<Inner>,
    worker: WorkerId,
    lanes: Arc<LaneTasks>,
    stopped: watch::Receiver<bool>,
}

impl Claimer {
    pub(super) fn new(
        app: Arc<Inner>,
        worker: WorkerId,
        lanes: Arc<LaneTasks>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            app,
            worker,
            lanes,
            stopped,
        }
    }

    pub(super) async fn run(mut self) {
        // Taken before the first look for work, so that nothing stored after it goes unnoticed.
        let mut signal = self.app.services.backend.signal();
        let mut pause = self.app.workers.poll_min;
        while !*self.stopped.borrow() {
            self.wait_for_room().await;
            let wanted = self.lanes.room();
            let claims = self.claim(wanted).await;
            if claims.is_empty() {
                pause = self.wait_for_work(&mut signal, pause).await;
            } else {
                pause = self.app.workers.poll_min;
                self.lanes.spawn_all(claims);
            }
        }
    }

    /// A claim costs a round trip, so under load it is worth waiting until it can bring several lanes; but not for
    /// long, or slow handlers would hold back the streams that still have room.
    async fn wait_for_room(&mut self) {
        let worthwhile = (self.app.workers.lanes / 4).max(1);
        let stopped = self.stopped.wait_for(|stopped| *stopped).map(drop);
        let patience = async {
            self.lanes.wait_for_room(1).await;
            self.app.services.env.clock.sleep(PATIENCE).await;
        };
        tokio::select! {
            biased;
            () = stopped => {}
            () = self.lanes.wait_for_room(worthwhile) => {}
            () = patience => {}
        }
    }

    async fn claim(&self, lanes: usize) -> Vec<Claim> {
        let options = &self.app.workers;
        let request = ClaimRequest {
            worker: self.worker,
            groups: self.app.groups(),
            lanes,
            messages_per_lane: options.messages_per_lane,
            lease: options.lease,
        };
        if lanes == 0 || *self.stopped.borrow() {
            return Vec::new();
        }
        let services = &self.app.services;
        let span = spans::claim(&request);
        let stopwatch = Stopwatch::start(&*services.env.clock);
        let claims = services.backend.claim(&request).instrument(span.clone());
        match claims.await {
            Ok(claims) => {
                span.record("claimed", claims.len());
                telemetry::CLAIM_SECONDS.stop(&stopwatch, &[]);
                claims
            }
            Err(error) => {
                tracing::warn!(%error, "no work could be claimed; trying again after a pause");
                Vec::new()
            }
        }
    }

    /// Waits for a hint, or for the pause to pass. Returns the next pause: the shortest after a hint, else the double.
    async fn wait_for_work(&mut self, signal: &mut Signal, pause: Duration) -> Duration {
        let options = &self.app.workers;
        let sleep = self.app.services.env.clock.sleep(pause);
        let stopped = self.stopped.wait_for(|stopped| *stopped).map(drop);
        tokio::select! {
            biased;
            () = stopped => pause,
            () = signal.raised() => options.poll_min,
            () = sleep => (pause * 2).min(options.poll_max),
        }
    }
}
