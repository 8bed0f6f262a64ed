//! Spans: all of them are made here, so that their fields have the same names everywhere.
//!
//! Fields are formatted when somebody listens, and else nothing is done for them.

use tracing::field::Empty;
use tracing::{Span, debug_span, trace_span};

use super::trace::continue_trace;
use crate::backend::{Ack, Claim, ClaimRequest};
use crate::message::StoredMessage;

/// A look for work.
pub(crate) fn claim(request: &ClaimRequest) -> Span {
    debug_span!(
        target: "sourced::claim",
        "claim",
        worker = %request.worker,
        groups = request.groups.len(),
        wanted = request.lanes,
        claimed = Empty,
    )
}

/// The handling of a claimed batch, its acknowledgement included. It continues the trace of its first message.
pub(crate) fn handle(claim: &Claim) -> Span {
    let (Some(first), Some(last)) = (claim.deliveries.first(), claim.deliveries.last()) else {
        return Span::none();
    };
    let (first, is_replay) = (&first.message, first.replaying);
    let span = debug_span!(
        target: "sourced::handle",
        parent: None,
        "handle",
        group = %claim.key.group,
        stream = %claim.key.stream,
        messages = claim.deliveries.len(),
        first_seq = first.seq.get(),
        last_seq = last.message.seq.get(),
        attempt = claim.attempts + 1,
        replaying = is_replay,
        message_id = %first.id,
        correlation_id = %first.correlation_id,
        traceparent = first.metadata.traceparent().map(display),
    );
    continue_trace(&span, first);
    span
}

/// A call of a command method.
pub(crate) fn decide(group: &str, message: &StoredMessage, first: &StoredMessage) -> Span {
    let span = debug_span!(
        target: "sourced::decide",
        "decide",
        group,
        stream = %message.stream_id,
        seq = message.seq.get(),
        type_name = %message.type_name,
        message_id = %message.id,
        causation_id = %message.causation_id,
        correlation_id = %message.correlation_id,
        traceparent = message.metadata.traceparent().map(display),
        outcome = Empty,
    );
    continue_own_trace(&span, message, first);
    span
}

/// A call of a reaction.
pub(crate) fn react(group: &str, message: &StoredMessage, first: &StoredMessage) -> Span {
    let span = debug_span!(
        target: "sourced::react",
        "react",
        group,
        stream = %message.stream_id,
        seq = message.seq.get(),
        type_name = %message.type_name,
        message_id = %message.id,
        causation_id = %message.causation_id,
        correlation_id = %message.correlation_id,
        traceparent = message.metadata.traceparent().map(display),
    );
    continue_own_trace(&span, message, first);
    span
}

/// A fold of events into a state: one span for all of them.
pub(crate) fn evolve(group: &str, events: usize) -> Span {
    trace_span!(target: "sourced::evolve", "evolve", group, events)
}

/// The transaction that acknowledges a batch.
pub(crate) fn ack(ack: &Ack) -> Span {
    debug_span!(
        target: "sourced::ack",
        "ack",
        group = %ack.claim.group,
        stream = %ack.claim.stream,
        upto = ack.upto.get(),
        appends = ack.appends.iter().map(|append| append.messages.len()).sum::<usize>(),
        schedules = ack.schedules.len(),
        refusals = ack.refusals.len(),
        syncs = ack.syncs.len(),
    )
}

/// A look for scheduled messages whose time has come.
pub(crate) fn promote() -> Span {
    debug_span!(
        target: "sourced::promote",
        "promote",
        promoted = Empty,
        set_aside = Empty,
    )
}

/// The span of a batch is in the trace of its first message; another message may be in another trace.
fn continue_own_trace(span: &Span, message: &StoredMessage, first: &StoredMessage) {
    if !span.is_disabled() && message.metadata.traceparent() != first.metadata.traceparent() {
        continue_trace(span, message);
    }
}
