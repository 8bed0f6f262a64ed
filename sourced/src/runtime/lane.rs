//! Lane tasks: one per claim, from its messages to its acknowledgement.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::app::Inner;
use super::in_flight::InFlight;
use super::side_effects::{self, Share};
use super::strategy::FailedAttempt;
use crate::backend::{
    Ack, AckError, AppendError, BackendError, Claim, ClaimKey, Delivery, FenceError, GoOn,
    GroupOrder, Verdict,
};
use crate::env::Task;
use crate::failure::Failure;
use crate::message::StoredMessage;
use crate::reactor::{Batch, FailedAt, Handled, Progress, Reactor, handle_guarded};
use crate::stream::{GroupId, Position};
use crate::telemetry::{self, LANES_IN_FLIGHT, Stopwatch, spans};

/// How often a batch is handled again because somebody else appended an event meanwhile, before it is given back.
const MAX_CONFLICTS: u32 = 16;

/// How often a lane goes on with what it has appended itself, before others have their turn.
const MAX_LINKS: u32 = 16;

/// Running tasks, and what they are at; in an order that does not depend on chance.
type ByClaim = BTreeMap<ClaimKey, (Task<()>, Arc<InFlight>)>;

/// How many lanes there are in flight, and how many of them are being stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lanes {
    running: usize,
    storing: usize,
}

impl Lanes {
    /// How many more there may be when so many may be handled at the same time, and as many again be stored: while some
    /// wait for the disk, the next ones come together.
    fn room(self, most: usize) -> usize {
        let handling = self.running.saturating_sub(self.storing);
        let free = most.saturating_mul(2).saturating_sub(self.running);
        most.saturating_sub(handling).min(free)
    }
}

/// The lane tasks of this process.
pub(super) struct LaneTasks {
    app: Arc<Inner>,
    stopped: watch::Receiver<bool>,
    running: Mutex<ByClaim>,
    n_running: watch::Sender<Lanes>,
    n_handled: AtomicU64,
}

impl LaneTasks {
    pub(super) fn new(app: Arc<Inner>, stopped: watch::Receiver<bool>) -> Self {
        Self {
            app,
            stopped,
            running: Mutex::default(),
            n_running: watch::Sender::new(Lanes::default()),
            n_handled: AtomicU64::new(0),
        }
    }

    /// How many messages were handled and acknowledged.
    pub(super) fn n_handled(&self) -> u64 {
        self.n_handled.load(Ordering::Relaxed)
    }

    /// How many more may run.
    pub(super) fn room(&self) -> usize {
        self.n_running.borrow().room(self.app.workers.lanes.max(1))
    }

    /// Resolves when so many more may run.
    pub(super) async fn wait_for_room(&self, wanted: usize) {
        let most = self.app.workers.lanes.max(1);
        // The sender lives in `self`, so the channel cannot be closed.
        _ = self
            .n_running
            .subscribe()
            .wait_for(|lanes| lanes.room(most) >= wanted)
            .await;
    }

    /// Notices when one begins or ends.
    pub(super) fn watch(&self) -> watch::Receiver<Lanes> {
        self.n_running.subscribe()
    }

    /// How many claims of a group are being handled.
    pub(super) fn n_held(&self, group: &GroupId) -> usize {
        let held = self.lock();
        held.keys().filter(|key| key.group == *group).count()
    }

    /// The claims that are being handled.
    pub(super) fn held(&self) -> Vec<ClaimKey> {
        self.lock().keys().cloned().collect()
    }

    /// What they are at, in no order.
    pub(super) fn in_flight(&self) -> Vec<Arc<InFlight>> {
        let running = self.lock();
        running.values().map(|(_, it)| Arc::clone(it)).collect()
    }

    /// Starts a task for each claim.
    pub(super) fn spawn_all(self: &Arc<Self>, claims: Vec<Claim>) {
        for claim in claims {
            self.spawn(claim, 0);
        }
    }

    /// `links`: how many claims have led to this one, each by going on with what it had appended.
    fn spawn(self: &Arc<Self>, claim: Claim, links: u32) {
        let key = claim.key.clone();
        let tasks = Arc::clone(self);
        let in_flight = Arc::new(InFlight::new(claim, self.app.services.env.clock.now()));
        let handled = Arc::clone(&in_flight);
        let span = spans::handle(&in_flight.claim);
        let setbacks = self.app.services.backend.setbacks();
        // Counted and listed before it can end.
        self.n_running.send_modify(|lanes| lanes.running += 1);
        let counted = CountedLane::new(&key.group);
        let mut running = self.lock();
        let task = self.app.services.env.spawner.spawn(async move {
            let InFlight { claim, progress, .. } = &*handled;
            let key = claim.key.clone();
            let _counted = counted;
            let run = LaneTask { tasks: &tasks, claim, setbacks, progress, links }.run();
            let run = std::panic::AssertUnwindSafe(run.instrument(span));
            match run.catch_unwind().await {
                Ok(Some(next)) => tasks.spawn(next, links + 1),
                Ok(None) => {}
                Err(_) => tracing::error!(group = %key.group, stream = %key.stream, "a lane task panicked; its claim ends with its lease"),
            }
            tasks.lock().remove(&key);
            tasks.n_running.send_modify(|lanes| lanes.running -= 1);
        });
        running.insert(key, (task, in_flight));
    }

    /// Resolves when none runs.
    pub(super) async fn finished(&self) {
        let mut n_running = self.n_running.subscribe();
        // The sender lives in `self`, so the channel cannot be closed.
        _ = n_running.wait_for(|lanes| lanes.running == 0).await;
    }

    /// Ends those that run. Gives what they held.
    pub(super) fn abort(&self) -> Vec<ClaimKey> {
        let left = std::mem::take(&mut *self.lock());
        for (task, _) in left.values() {
            task.abort();
        }
        left.into_keys().collect()
    }

    /// Gives claims of tasks that were ended back, all at once.
    pub(super) async fn give_back(&self, claims: Vec<ClaimKey>) {
        let backend = &self.app.services.backend;
        // Where the task was past its ack, this is refused as fenced, which is right.
        join_all(claims.iter().map(|claim| backend.release(claim))).await;
    }

    fn lock(&self) -> MutexGuard<'_, ByClaim> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LaneTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneTasks")
            .field("running", &*self.n_running.borrow())
            .finish_non_exhaustive()
    }
}

/// A lane in the gauge, until its task has ended in whatever way.
struct CountedLane(GroupId);

impl CountedLane {
    fn new(group: &GroupId) -> Self {
        LANES_IN_FLIGHT.shift(1.0, &[("group", group.as_str())]);
        Self(group.clone())
    }
}

impl Drop for CountedLane {
    fn drop(&mut self) {
        LANES_IN_FLIGHT.shift(-1.0, &[("group", self.0.as_str())]);
    }
}

/// A lane whose handler is done, while its results are on their way into the storage.
struct StoringLane<'a>(&'a LaneTasks);

impl<'a> StoringLane<'a> {
    fn new(tasks: &'a LaneTasks) -> Self {
        tasks.n_running.send_modify(|lanes| lanes.storing += 1);
        Self(tasks)
    }
}

impl Drop for StoringLane<'_> {
    fn drop(&mut self) {
        self.0.n_running.send_modify(|lanes| lanes.storing -= 1);
    }
}

/// One claim being handled.
struct LaneTask<'a> {
    tasks: &'a LaneTasks,
    claim: &'a Claim,
    /// How often the log had been set back when it was claimed.
    setbacks: u64,
    progress: &'a Progress,
    links: u32,
}

impl LaneTask<'_> {
    /// Gives the claim that goes on.
    async fn run(self) -> Option<Claim> {
        let key = &self.claim.key;
        let Some(reactor) = self.app().reactor_of(&key.group) else {
            self.release().await;
            return None;
        };
        let backend = &*self.app().services.backend;
        let share = match side_effects::share_of(backend, reactor, self.claim).await {
            Ok(share) => share,
            Err(error) => {
                tracing::warn!(group = %key.group, stream = %key.stream, %error, "which version is live is not known; the batch will be handled again");
                Share::Nothing
            }
        };
        // What failed behind these, and is told with their acknowledgement.
        let mut behind = None;
        let mut deliveries = match &share {
            Share::All => &self.claim.deliveries[..],
            _ if self.is_stretch() => {
                self.release().await;
                return None;
            }
            Share::Deliveries(deliveries) => &deliveries[..],
            Share::Nothing => {
                let postponed = backend.postpone(key, side_effects::PAUSE).await;
                self.note(postponed, "postponed");
                return None;
            }
        };
        for _ in 0..MAX_CONFLICTS {
            let error = match self.handle_once(reactor, deliveries, behind.as_ref()).await {
                Ok(next) => return next,
                Err(error) => error,
            };
            if self.is_of_another_log() {
                tracing::warn!(group = %key.group, stream = %key.stream, "the log was set back while a handler was running");
                return None;
            }
            if let Some(outage) = error.outage() {
                self.spare(outage).await;
                break;
            }
            match error {
                // Not an error: somebody else was faster. The batch is decided again on what is there now.
                LaneError::Ack(error) if error.is_conflict() => {
                    telemetry::CONFLICTS.add(1, &self.labels());
                }
                LaneError::Ack(AckError::Fenced { .. }) => {
                    telemetry::FENCED.add(1, &self.labels());
                    tracing::warn!(group = %key.group, stream = %key.stream, "a claim was taken over while its handler was running");
                    return None;
                }
                // It will not come back by itself.
                LaneError::Backend(
                    error @ (BackendError::Removed { .. }
                    | BackendError::Corrupt(_)
                    | BackendError::Unreadable { .. }),
                ) => {
                    self.fail(&Failure::permanent(error)).await;
                    return None;
                }
                LaneError::Backend(error) | LaneError::Ack(AckError::Backend(error)) => {
                    self.spare(&error).await;
                    break;
                }
                LaneError::Failed(failure) | LaneError::Ack(AckError::Sync(failure)) => {
                    let Some((before, failed)) = before_failure(&failure, deliveries) else {
                        self.fail(&failure).await;
                        return None;
                    };
                    deliveries = before;
                    behind = failed.is_to_blame.then_some(failure);
                }
                // Which of them led to what cannot be stored shows when it is handled alone.
                LaneError::Ack(_) if deliveries.len() > 1 => {
                    deliveries = &deliveries[..deliveries.len() / 2];
                    behind = None;
                }
                LaneError::Ack(error) => {
                    self.fail(&of_ack(error)).await;
                    return None;
                }
            }
        }
        self.release().await;
        None
    }

    /// `behind`: how the message after these deliveries has failed already.
    async fn handle_once(
        &self,
        reactor: &dyn Reactor,
        deliveries: &[Delivery],
        behind: Option<&Failure>,
    ) -> Result<Option<Claim>, LaneError> {
        let batch = Batch {
            stream: &self.claim.key.stream,
            deliveries,
            streams: self.app().services.streams(),
            services: &self.app().services,
            progress: self.progress,
        };
        let clock = &*self.app().services.env.clock;
        let stopwatch = Stopwatch::start(clock);
        let mut handled = handle_guarded(reactor, &batch).await?;
        telemetry::HANDLE_SECONDS.stop(&stopwatch, &self.labels());
        let afterwards = std::mem::take(&mut handled.afterwards);
        let failure = handled.failure.take();
        let Some(upto) = handled.upto else {
            let unexplained = || Failure::msg("the reactor handled nothing and gave no reason");
            return Err(LaneError::Failed(failure.unwrap_or_else(unexplained)));
        };
        let is_through = deliveries
            .last()
            .is_some_and(|last| last.message.position == upto);
        let failure = failure.as_ref().or(behind.filter(|_| is_through));
        let judged = failure.and_then(|failure| self.judge_behind(upto, failure));
        let ack = self.ack_of(upto, handled);
        let has_scheduled = !ack.schedules.is_empty();
        self.progress.stores(clock.now());
        let stopwatch = Stopwatch::start(clock);
        let span = spans::ack(&ack);
        let stored = {
            let _storing = StoringLane::new(self.tasks);
            self.store(ack, judged.as_ref()).instrument(span).await
        };
        let next = stored?;
        telemetry::ACK_SECONDS.stop(&stopwatch, &self.labels());
        if has_scheduled {
            self.app().scheduled.raise();
        }
        self.count(upto);
        if let Some(judged) = &judged {
            self.tell(judged);
        }
        for step in afterwards {
            step.run(&self.app().services).await;
        }
        Ok(next)
    }

    async fn store(
        &self,
        ack: Ack,
        judged: Option<&Judged<'_>>,
    ) -> Result<Option<Claim>, AckError> {
        let backend = &self.app().services.backend;
        if self.is_of_another_log() {
            let ClaimKey { group, stream, .. } = ack.claim;
            return Err(AckError::Fenced { group, stream });
        }
        if let Some(Judged { verdict, error, .. }) = judged {
            let acked = backend.ack_and_fail(ack, *verdict, error).await;
            return acked.map(|_| None);
        }
        if self.links >= MAX_LINKS || *self.tasks.stopped.borrow() {
            return backend.ack(ack).await.map(|_| None);
        }
        let next = GoOn {
            messages: self.app().messages_per_lane(&ack.claim.group),
            bytes: self.app().workers.bytes_per_claim,
            lease: self.app().workers.lease,
        };
        Ok(backend.ack_and_go_on(ack, next).await?.next)
    }

    /// - *history-goes-on*: epochs that were given out are given out again, so what was claimed of a log that was set back
    ///   meanwhile may look like another claim of this worker.
    fn is_of_another_log(&self) -> bool {
        self.app().services.backend.setbacks() != self.setbacks
    }

    fn count(&self, upto: Position) {
        let deliveries = self.claim.deliveries.iter();
        let n_acked = deliveries
            .filter(|delivery| delivery.message.position <= upto)
            .count();
        self.tasks
            .n_handled
            .fetch_add(n_acked as u64, Ordering::Relaxed);
        telemetry::HANDLED.add(n_acked as u64, &self.labels());
    }

    fn app(&self) -> &Inner {
        &self.tasks.app
    }

    fn labels(&self) -> [(&'static str, &str); 1] {
        [("group", self.claim.key.group.as_str())]
    }

    fn ack_of(&self, upto: Position, handled: Handled) -> Ack {
        Ack {
            claim: self.claim.key.clone(),
            upto,
            appends: handled.appends,
            schedules: handled.schedules,
            refusals: handled.refusals.into_iter().map(Into::into).collect(),
            syncs: handled.syncs,
        }
    }

    /// Judges the message behind what is acknowledged. `None` where that is done in its own lane, or an outage is to blame.
    fn judge_behind<'f>(&'f self, upto: Position, failure: &'f Failure) -> Option<Judged<'f>> {
        if self.is_stretch() || BackendError::outage_in(failure.source()).is_some() {
            return None;
        }
        let mut deliveries = self.claim.deliveries.iter();
        let failed = deliveries.find(|delivery| delivery.message.position > upto)?;
        Some(self.judge(&failed.message, 1, Duration::ZERO, failure))
    }

    /// `failing_for`: how long ago the first attempt failed.
    fn judge<'f>(
        &'f self,
        message: &'f StoredMessage,
        attempt: u32,
        failing_for: Duration,
        failure: &'f Failure,
    ) -> Judged<'f> {
        let key = &self.claim.key;
        let failed = FailedAttempt {
            group: &key.group,
            stream: &key.stream,
            message,
            attempt,
            failing_for,
            failure,
            random: &*self.app().services.env.random,
        };
        let verdict = self.app().verdict(&failed);
        let error = failure.chain();
        Judged {
            failed,
            verdict,
            error,
        }
    }

    /// The storage failed, and not the message: no attempt is counted.
    async fn spare(&self, error: &BackendError) {
        let key = &self.claim.key;
        let first = &self.claim.deliveries[0].message;
        let (position, message_type) = (first.position, &first.type_name);
        tracing::warn!(group = %key.group, stream = %key.stream, %position, %message_type, %error, "the storage failed; the batch will be handled again");
        self.pause().await;
    }

    /// While the storage is in trouble it is not asked for the same lane again at once, unless the workers are stopped.
    async fn pause(&self) {
        let mut stopped = self.tasks.stopped.clone();
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = self.app().services.env.clock.sleep(self.app().workers.poll_min) => {}
        }
    }

    async fn release(&self) {
        let released = self.app().services.backend.release(&self.claim.key).await;
        self.note(released, "released");
    }

    /// Whether the claim is of several streams, whose messages come in their lanes when it is given back.
    fn is_stretch(&self) -> bool {
        let key = &self.claim.key;
        key.stream.is_log() && self.app().order_of(&key.group) == GroupOrder::PerStream
    }

    async fn fail(&self, failure: &Failure) {
        let key = &self.claim.key;
        if self.is_stretch() {
            // It is judged when it fails in its own lane.
            tracing::debug!(group = %key.group, error = %failure.chain(), "a stretch of the log is handled stream by stream, as one of its messages failed");
            self.release().await;
            return;
        }
        let message = &self.claim.deliveries[0].message;
        let attempt = self.claim.attempts.saturating_add(1);
        let judged = self.judge(message, attempt, self.claim.failing_for, failure);
        let Judged { verdict, error, .. } = &judged;
        if let Err(trouble) = self.app().services.backend.fail(key, *verdict, error).await {
            let message_type = &message.type_name;
            tracing::warn!(group = %key.group, stream = %key.stream, attempt, %message_type, %error, %trouble, "a failure could not be noted; the claim ends with its lease, and the message is handled again");
            return;
        }
        self.tell(&judged);
    }

    /// Tells of a failure that was noted.
    fn tell(&self, judged: &Judged<'_>) {
        let Judged {
            failed,
            verdict,
            error,
        } = judged;
        let (key, message, attempt) = (&self.claim.key, failed.message, failed.attempt);
        let (position, message_type) = (message.position, &message.type_name);
        let stream = &message.stream_id;
        match verdict {
            Verdict::Park => {
                telemetry::PARKED.add(1, &self.labels());
                tracing::error!(group = %key.group, %stream, attempt, %position, %message_type, %error, "parked");
            }
            Verdict::Skip => {
                telemetry::SKIPPED.add(1, &self.labels());
                tracing::error!(group = %key.group, %stream, attempt, %position, %message_type, %error, "skipped");
            }
            Verdict::StopGroup => {
                telemetry::STOPPED.add(1, &self.labels());
                tracing::error!(group = %key.group, %stream, attempt, %position, %message_type, %error, "stopped the group");
            }
            Verdict::RetryAfter(pause) => {
                telemetry::RETRIED.add(1, &self.labels());
                tracing::warn!(group = %key.group, %stream, attempt, ?pause, %position, %message_type, %error, "failed, will be tried again");
            }
        }
        self.app().tell(failed, *verdict);
    }

    /// A claim that could not be given back ends with its lease.
    fn note(&self, result: Result<(), FenceError>, what: &str) {
        if let Err(error) = result {
            let key = &self.claim.key;
            tracing::warn!(group = %key.group, stream = %key.stream, %error, "a claim could not be marked as {what}; it ends with its lease");
        }
    }
}

/// Those that can be tried without the one that a sync action failed at, when it says where that was.
fn before_failure<'d, 'f>(
    failure: &'f Failure,
    deliveries: &'d [Delivery],
) -> Option<(&'d [Delivery], &'f FailedAt)> {
    let failed = FailedAt::of(failure)?;
    let n_before =
        deliveries.partition_point(|delivery| delivery.message.position < failed.position);
    (0 < n_before && n_before < deliveries.len()).then(|| (&deliveries[..n_before], failed))
}

/// What is too large stays so.
fn of_ack(error: AckError) -> Failure {
    match error {
        AckError::Append(AppendError::Limit(_)) => Failure::permanent(error),
        _ => Failure::from(error),
    }
}

/// A failed attempt, and what becomes of its message.
struct Judged<'f> {
    failed: FailedAttempt<'f>,
    verdict: Verdict,
    error: String,
}

/// Why a batch led to nothing.
enum LaneError {
    /// The first message could not be handled.
    Failed(Failure),
    /// History could not be read.
    Backend(BackendError),
    /// Nothing of what it led to was stored.
    Ack(AckError),
}

impl LaneError {
    /// *outage-is-no-attempt*: the outage that led to it, if one did. Of a sync action the backend has told already.
    fn outage(&self) -> Option<&BackendError> {
        match self {
            Self::Failed(failure) => BackendError::outage_in(failure.source()),
            Self::Backend(error) => BackendError::outage_in(error),
            Self::Ack(AckError::Sync(_)) => None,
            Self::Ack(error) => BackendError::outage_in(error),
        }
    }
}

impl From<BackendError> for LaneError {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl From<AckError> for LaneError {
    fn from(error: AckError) -> Self {
        Self::Ack(error)
    }
}
