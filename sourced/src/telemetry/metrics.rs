//! Metrics by the `metrics` facade. Without the feature `metrics` nothing of this does anything.

#![cfg_attr(
    not(feature = "metrics"),
    allow(
        dead_code,
        unused_variables,
        clippy::unused_self,
        reason = "without the feature, the bodies are empty"
    )
)]

use std::marker::PhantomData;

use crate::env::Clock;
#[cfg(feature = "metrics")]
use crate::time::Timestamp;

/// By what a metric is told apart. Each has few values in one program.
type Labels<'a> = &'a [(&'static str, &'a str)];

/// Goes up, and never down.
pub(crate) struct Counter(Description);

/// How long things took, in seconds.
pub(crate) struct Histogram(Description);

/// Goes up and down.
pub(crate) struct Gauge(Description);

struct Description {
    name: &'static str,
    text: &'static str,
}

macro_rules! metrics {
    ($($kind:ident $constant:ident = $name:literal, $text:literal;)*) => {
        $(pub(crate) const $constant: $kind = $kind(Description { name: $name, text: $text });)*

        /// Tells the recorder what the metrics mean.
        pub(crate) fn describe() {
            $($constant.describe();)*
        }
    };
}

metrics! {
    Counter HANDLED = "sourced_messages_handled_total", "Messages handled and acknowledged.";
    Counter DECISIONS = "sourced_decisions_total", "Decisions on commands, by outcome.";
    Counter RETRIED = "sourced_retries_total", "Failures after which a message is tried again.";
    Counter PARKED = "sourced_parked_total", "Failures that parked a stream.";
    Counter SKIPPED = "sourced_skipped_total", "Failures after which a message was skipped.";
    Counter STOPPED = "sourced_stopped_groups_total", "Failures that stopped a group.";
    Counter FENCED = "sourced_fenced_total", "Claims that were taken over while they were handled.";
    Counter CONFLICTS = "sourced_conflicts_total", "Batches and decisions made again because a stream was changed meanwhile.";
    Counter SLOW = "sourced_slow_handlers_total", "Handlers reported as slow.";
    Counter PROMOTED = "sourced_promoted_total", "Scheduled messages moved into their streams.";
    Counter SET_ASIDE = "sourced_set_aside_total", "Scheduled messages that could not be.";
    Counter RESTARTS = "sourced_task_restarts_total", "Tasks of the runtime started again after a panic.";
    Histogram CLAIM_SECONDS = "sourced_claim_seconds", "How long claims of lanes took.";
    Histogram HANDLE_SECONDS = "sourced_handle_seconds", "How long handlers were busy with a batch.";
    Histogram ACK_SECONDS = "sourced_ack_seconds", "How long acknowledgements took, syncs included.";
    Gauge LANES_IN_FLIGHT = "sourced_lanes_in_flight", "Lanes that are being handled.";
    Gauge PENDING_LANES = "sourced_pending_lanes", "Streams with work that is not acknowledged.";
}

impl Counter {
    pub(crate) fn add(&self, n: u64, labels: Labels<'_>) {
        #[cfg(feature = "metrics")]
        ::metrics::counter!(self.0.name, owned(labels)).increment(n);
    }

    fn describe(&self) {
        #[cfg(feature = "metrics")]
        ::metrics::describe_counter!(self.0.name, ::metrics::Unit::Count, self.0.text);
    }
}

impl Histogram {
    /// Records how long it was since the stopwatch was started.
    pub(crate) fn stop(&self, stopwatch: &Stopwatch<'_>, labels: Labels<'_>) {
        #[cfg(feature = "metrics")]
        ::metrics::histogram!(self.0.name, owned(labels)).record(stopwatch.seconds());
    }

    fn describe(&self) {
        #[cfg(feature = "metrics")]
        ::metrics::describe_histogram!(self.0.name, ::metrics::Unit::Seconds, self.0.text);
    }
}

impl Gauge {
    /// Several apps of one process add to the same gauge, so this is told by what changes.
    pub(crate) fn shift(&self, by: f64, labels: Labels<'_>) {
        #[cfg(feature = "metrics")]
        ::metrics::gauge!(self.0.name, owned(labels)).increment(by);
    }

    pub(crate) fn set(&self, value: u64, labels: Labels<'_>) {
        #[cfg(feature = "metrics")]
        {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            ::metrics::gauge!(self.0.name, owned(labels)).set(value as f64);
        }
    }

    fn describe(&self) {
        #[cfg(feature = "metrics")]
        ::metrics::describe_gauge!(self.0.name, ::metrics::Unit::Count, self.0.text);
    }
}

#[cfg(feature = "metrics")]
fn owned(labels: Labels<'_>) -> Vec<::metrics::Label> {
    let label =
        |(key, value): &(&'static str, &str)| ::metrics::Label::new(*key, (*value).to_owned());
    labels.iter().map(label).collect()
}

/// When something began. Without the feature it does not look at the clock.
pub(crate) struct Stopwatch<'a> {
    #[cfg(feature = "metrics")]
    started: (&'a dyn Clock, Timestamp),
    clock: PhantomData<&'a dyn Clock>,
}

impl<'a> Stopwatch<'a> {
    pub(crate) fn start(clock: &'a dyn Clock) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            started: (clock, clock.now()),
            clock: PhantomData,
        }
    }

    #[cfg(feature = "metrics")]
    fn seconds(&self) -> f64 {
        let (clock, started) = self.started;
        clock.now().saturating_since(started).as_secs_f64()
    }
}
