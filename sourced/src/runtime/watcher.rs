//! The watcher: reports handlers that are slow, groups that stop and start, and how much work waits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;

use super::app::Inner;
use super::in_flight::{Cause, InFlight};
use super::vitals::Vitals;
use crate::backend::GroupState;
use crate::message::StoredMessage;
use crate::telemetry;

/// How many messages of a chain of causes are named.
const MAX_CAUSES: usize = 16;

/// How long the storage may take to tell a cause, before the report is made without it.
const CAUSE_WITHIN: Duration = Duration::from_secs(2);

/// The shortest pause between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// How often the gauge of pending lanes is brought up to date.
#[cfg(feature = "metrics")]
const GAUGE_EVERY: Duration = Duration::from_secs(15);

/// Looks at the claims of this process, and sleeps until the next one can be slow.
#[derive(Clone)]
pub(super) struct Watcher {
    app: Arc<Inner>,
    /// Kept here so that the workers are seen as long as they run, whoever dropped what started them.
    vitals: Arc<Vitals>,
}

impl Watcher {
    pub(super) fn new(app: Arc<Inner>, vitals: Arc<Vitals>) -> Self {
        Self { app, vitals }
    }

    pub(super) async fn run(self) {
        let watching = join(self.watch(), self.watch_groups());
        #[cfg(feature = "metrics")]
        join(watching, self.gauge()).await;
        #[cfg(not(feature = "metrics"))]
        watching.await;
    }

    /// Tells of the states of groups, if anybody wants to know.
    async fn watch_groups(&self) {
        let (services, workers) = (&self.app.services, &self.app.workers);
        if workers.group_hooks.is_empty() {
            return;
        }
        let groups = self.app.groups();
        let mut known = vec![GroupState::Active; groups.len()];
        loop {
            for (group, known) in groups.iter().zip(&mut known) {
                // What cannot be told now is told later.
                if let Ok(state) = services.backend.group_state(group).await
                    && state != *known
                {
                    workers.group_hooks.call(group, &state);
                    *known = state;
                }
            }
            services.env.clock.sleep(workers.poll_max).await;
        }
    }

    async fn watch(&self) {
        let clock = &self.app.services.env.clock;
        loop {
            let pause = self.look().await;
            clock.sleep(pause.max(SHORTEST_PAUSE)).await;
        }
    }

    /// Reports what is slow, and tells how long nothing else can be.
    async fn look(&self) -> Duration {
        let (clock, slow_after) = (&self.app.services.env.clock, self.app.workers.slow_after);
        let mut pause = slow_after;
        for handler in self.vitals.lanes.in_flight() {
            if handler.is_reported() {
                continue;
            }
            let busy_for = handler.busy_for(clock.now());
            if busy_for >= slow_after {
                self.report(&handler, busy_for).await;
            } else {
                pause = pause.min(slow_after.saturating_sub(busy_for));
            }
        }
        pause
    }

    async fn report(&self, handler: &InFlight, busy_for: Duration) {
        let message = handler.message();
        let causes = self.causes(message).await;
        handler.report(causes.clone());
        let key = &handler.claim.key;
        telemetry::SLOW.add(1, &[("group", key.group.as_str())]);
        tracing::warn!(
            group = %key.group,
            stream = %message.stream_id,
            seq = message.seq.get(),
            position = message.position.get(),
            type_name = %message.type_name,
            message_id = %message.id,
            correlation_id = %message.correlation_id,
            causes = %Chain(&causes),
            attempt = handler.claim.attempts + 1,
            ?busy_for,
            "a handler is slow"
        );
    }

    /// What led to a message, the nearest first, as far as the storage tells it in time.
    async fn causes(&self, message: &StoredMessage) -> Vec<Cause> {
        let services = &self.app.services;
        let (mut causes, mut id, mut cause_id) = (Vec::new(), message.id, message.causation_id);
        while cause_id != id && causes.len() < MAX_CAUSES {
            let time_is_up = services.env.clock.sleep(CAUSE_WITHIN);
            let found = tokio::select! {
                biased;
                found = services.backend.find(cause_id) => found,
                () = time_is_up => break,
            };
            let Ok(Some(cause)) = found else { break };
            causes.push(Cause::of(&cause));
            (id, cause_id) = (cause.id, cause.causation_id);
        }
        causes
    }

    #[cfg(feature = "metrics")]
    async fn gauge(&self) {
        let services = &self.app.services;
        loop {
            for group in self.app.groups() {
                // What cannot be told now keeps its last value.
                if let Ok(pending) = services
                    .backend
                    .pending_lanes(std::slice::from_ref(&group))
                    .await
                {
                    telemetry::PENDING_LANES.set(pending, &[("group", group.as_str())]);
                }
            }
            services.env.clock.sleep(GAUGE_EVERY).await;
        }
    }
}

/// Causes on one line: `cart.item_added 0190… < cart.add_item 0190…`.
struct Chain<'a>(&'a [Cause]);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, cause) in self.0.iter().enumerate() {
            let joint = if n == 0 { "" } else { " < " };
            write!(f, "{joint}{} {}", cause.type_name, cause.message_id)?;
        }
        Ok(())
    }
}
