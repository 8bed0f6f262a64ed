//! The renewer: keeps the leases of running lane tasks alive.

use std::sync::Arc;

use super::app::Inner;
use super::lane::LaneTasks;

/// Renews all leases of this process in one call, three times in their length.
#[derive(Clone)]
pub(super) struct Renewer {
    app: Arc<Inner>,
    lanes: Arc<LaneTasks>,
}

impl Renewer {
    pub(super) fn new(app: Arc<Inner>, lanes: Arc<LaneTasks>) -> Self {
        Self { app, lanes }
    }

    pub(super) async fn run(self) {
        let lease = self.app.workers.lease;
        loop {
            self.app.services.env.clock.sleep(lease / 3).await;
            let held = self.lanes.held();
            if held.is_empty() {
                continue;
            }
            match self.app.services.backend.renew(&held, lease).await {
                Ok(lost) => {
                    for claim in lost {
                        // Either it was acked while this was under way, or its handler runs on, and what that brings
                        // will be refused as fenced and reported then.
                        tracing::debug!(group = %claim.group, stream = %claim.stream, "a claim was gone before its lease could be renewed");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, claims = held.len(), "leases could not be renewed");
                }
            }
        }
    }
}
