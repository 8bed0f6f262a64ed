//! The claimer: finds work and hands it to lane tasks.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::app::Inner;
use super::lane::{LaneTasks, Lanes};
use crate::backend::{Claim, ClaimRequest, GroupOrder, Signal, WorkerId};
use crate::stream::GroupId;
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
    /// Who comes first when there are reactors with limits of their own; it moves on with every claim.
    turn: usize,
    /// Whether the last claim brought all that was wanted, so that there is more.
    has_backlog: bool,
    /// Whether a reactor has as many lanes as its limits allow: nothing was claimed for it, whatever there is.
    has_full: bool,
    /// Since the last claim.
    running: watch::Receiver<Lanes>,
}

impl Claimer {
    pub(super) fn new(
        app: Arc<Inner>,
        worker: WorkerId,
        lanes: Arc<LaneTasks>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            running: lanes.watch(),
            app,
            worker,
            lanes,
            stopped,
            turn: 0,
            has_backlog: false,
            has_full: false,
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
            self.has_backlog = claims.len() >= wanted;
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
        let lanes = self.app.workers.lanes;
        let worthwhile = if self.has_backlog { lanes } else { lanes / 4 }.max(1);
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

    /// One request for all reactors without limits of their own, and one for each of the others.
    async fn claim(&mut self, lanes: usize) -> Vec<Claim> {
        // Before looking who has room, so that no end of a lane goes unnoticed.
        self.running.mark_unchanged();
        let mut requests = self.requests();
        self.has_full = requests.iter().any(|request| request.lanes == 0);
        if requests.is_empty() {
            return Vec::new();
        }
        self.turn = (self.turn + 1) % requests.len();
        requests.rotate_left(self.turn);
        let mut claims = Vec::new();
        for mut request in requests {
            request.lanes = request.lanes.min(lanes - claims.len());
            if request.lanes > 0 && !*self.stopped.borrow() {
                claims.extend(self.claim_once(&request).await);
            }
        }
        claims
    }

    fn requests(&self) -> Vec<ClaimRequest> {
        let (options, own) = (&self.app.workers, &self.app.options);
        let request = |groups, lanes, messages_per_lane| ClaimRequest {
            worker: self.worker,
            groups,
            lanes,
            messages_per_lane,
            bytes: options.bytes_per_claim,
            lease: options.lease,
            stretches: Vec::new(),
        };
        let most = |group: &GroupId| match (self.app.order_of(group), own.get(group)) {
            // It has one lane, and gives more messages of it.
            (GroupOrder::Global, _) => Some(1),
            (GroupOrder::PerStream, Some(own)) if own.has_limits() => {
                Some(own.lanes.map_or(usize::MAX, |lanes| lanes.max(1)))
            }
            (GroupOrder::PerStream, _) => None,
        };
        let mut free = self.app.groups();
        free.retain(|group| most(group).is_none());
        let mut requests = Vec::new();
        if !free.is_empty() {
            let takes_stretches = |group: &&GroupId| self.app.takes_stretches(group);
            requests.push(ClaimRequest {
                stretches: free.iter().filter(takes_stretches).cloned().collect(),
                ..request(free, usize::MAX, options.messages_per_lane)
            });
        }
        for group in self.app.groups() {
            if let Some(most) = most(&group) {
                let room = most.saturating_sub(self.lanes.n_held(&group));
                let messages = self.app.messages_per_lane(&group);
                requests.push(request(vec![group], room, messages));
            }
        }
        requests
    }

    async fn claim_once(&self, request: &ClaimRequest) -> Vec<Claim> {
        let services = &self.app.services;
        let span = spans::claim(request);
        let stopwatch = Stopwatch::start(&*services.env.clock);
        let claims = services.backend.claim(request).instrument(span.clone());
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
            // The signal may have come while the lane was still counted.
            _ = self.running.changed(), if self.has_full => options.poll_min,
            () = sleep => (pause * 2).min(options.poll_max),
        }
    }
}
