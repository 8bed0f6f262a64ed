//! What the library tells of itself while it runs: spans and metrics. `docs/operations.md` lists them.
//!
//! Nothing here ever holds a payload.

mod metrics;
pub(crate) mod spans;
mod trace;

#[cfg(feature = "metrics")]
pub(crate) use metrics::PENDING_LANES;
pub(crate) use metrics::{
    ACK_SECONDS, CLAIM_SECONDS, CONFLICTS, DECISIONS, FENCED, HANDLE_SECONDS, HANDLED,
    LANES_IN_FLIGHT, PARKED, PROMOTED, RESTARTS, RETRIED, SET_ASIDE, SKIPPED, SLOW, STOPPED,
    Stopwatch, describe,
};
pub(crate) use trace::current_trace;

use tracing::Span;

/// What came of a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decided {
    Applied,
    Refused,
    Failed,
}

/// Notes what came of a decision, in its span and in the metrics.
pub(crate) fn decided(span: &Span, group: &str, decided: Decided) {
    let outcome = match decided {
        Decided::Applied => "applied",
        Decided::Refused => "refused",
        Decided::Failed => "failed",
    };
    span.record("outcome", outcome);
    DECISIONS.add(1, &[("group", group), ("outcome", outcome)]);
}
