//! OpenTelemetry: traces that go on through the store. Without the feature `otel` nothing of this does anything.

use tracing::Span;

use crate::message::{StoredMessage, Traceparent};

/// Makes a span a child of the one that its message's metadata names.
#[cfg(feature = "otel")]
pub(super) fn continue_trace(span: &Span, message: &StoredMessage) {
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    };
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    if span.is_disabled() {
        return;
    }
    let Some(traceparent) = message.metadata.traceparent() else {
        return;
    };
    let state = message.metadata.tracestate();
    let state = state.and_then(|state| state.parse::<TraceState>().ok());
    let remote = SpanContext::new(
        TraceId::from_bytes(traceparent.trace_id().to_be_bytes()),
        SpanId::from_bytes(traceparent.parent_id().to_be_bytes()),
        TraceFlags::new(traceparent.flags()),
        true,
        state.unwrap_or_default(),
    );
    // It fails where no layer of OpenTelemetry listens, and then there is nothing to continue.
    _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
}

#[cfg(not(feature = "otel"))]
pub(super) fn continue_trace(_: &Span, _: &StoredMessage) {}

/// The trace and the span that this code runs in.
#[cfg(feature = "otel")]
pub(crate) fn current_trace() -> Option<Traceparent> {
    use opentelemetry::trace::TraceContextExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let context = Span::current().context();
    let span = context.span();
    let of = span.span_context();
    let trace_id = u128::from_be_bytes(of.trace_id().to_bytes());
    let parent_id = u64::from_be_bytes(of.span_id().to_bytes());
    Traceparent::new(trace_id, parent_id, of.trace_flags().to_u8())
}

#[cfg(not(feature = "otel"))]
pub(crate) fn current_trace() -> Option<Traceparent> {
    None
}
