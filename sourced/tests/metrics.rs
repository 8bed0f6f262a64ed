//! Metrics: what a run in memory counts.

#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshot};
use metrics_util::{CompositeKey, MetricKind};
use sourced::prelude::*;
use sourced::{RetryPolicy, WorkerOptions};

#[derive(Default)]
struct Door {
    is_open: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("it is open")]
struct IsOpen;

#[derive(Default)]
struct Hinge(AtomicU32);

#[actor]
impl Door {
    #[command]
    fn open(&self) -> Result<Opened, IsOpen> {
        if self.is_open {
            return Err(IsOpen);
        }
        Ok(Opened)
    }

    #[event]
    fn opened(&mut self) {
        self.is_open = true;
    }

    #[reaction]
    fn greet(&self, _: &Opened) -> Greet {
        Greet { patience: 2 }
    }

    /// Fails so many times.
    #[command]
    fn greet_with(&self, greet: &Greet, hinge: Res<Hinge>) -> Result<Greeted, Failure> {
        if hinge.0.fetch_add(1, Ordering::Relaxed) < greet.patience {
            return Err(Failure::msg("not yet"));
        }
        Ok(Greeted)
    }

    #[event]
    fn greeted(&mut self) {}
}

#[command("door.greet")]
struct Greet {
    patience: u32,
}

async fn run() {
    let retry = RetryPolicy::default()
        .attempts(3)
        .first_pause(Duration::from_millis(1));
    let app = App::builder()
        .register::<Door>()
        .resource(Hinge::default())
        .workers(WorkerOptions::default().retry(retry))
        .build()
        .await
        .unwrap();
    let workers = app.start();
    let opened = app.dispatch(Open.to("door-1")).await.unwrap();
    opened.outcome().await.unwrap();
    app.idle().await.unwrap();
    app.dispatch(Open.to("door-1")).await.unwrap();
    app.dispatch(Open.to("door-2").after(Duration::from_millis(5)))
        .await
        .unwrap()
        .outcome()
        .await
        .unwrap();
    app.idle().await.unwrap();
    app.dispatch(Greet { patience: u32::MAX }.to("door-3"))
        .await
        .unwrap()
        .outcome()
        .await
        .unwrap();
    workers.stop().await;
}

fn recorded() -> Snapshot {
    let recorder = DebuggingRecorder::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(run()));
    recorder.snapshotter().snapshot()
}

fn label_of(key: &CompositeKey, name: &str) -> String {
    let mut labels = key.key().labels();
    let found = labels.find(|label| label.key() == name);
    found.map_or(String::new(), |label| label.value().to_owned())
}

#[test]
fn a_run_counts_what_it_did() {
    let metrics = recorded().into_vec();
    let find = |kind: MetricKind, name: &str, labels: &[(&str, &str)]| {
        let mut all = metrics.iter();
        let found = all.find(|(key, ..)| {
            let has = |(label, value): &(&str, &str)| label_of(key, label) == *value;
            key.kind() == kind && key.key().name() == name && labels.iter().all(has)
        });
        found.map(|(_, _, _, value)| value)
    };
    let door = ("group", "door");
    let counter =
        |name: &str, labels: &[(&str, &str)]| match find(MetricKind::Counter, name, labels) {
            Some(DebugValue::Counter(count)) => *count,
            _ => panic!("no counter {name}"),
        };
    // `open` three times, its event twice, and the greetings; the last one is parked.
    assert_eq!(counter("sourced_messages_handled_total", &[door]), 7);
    let decisions = |outcome| counter("sourced_decisions_total", &[door, ("outcome", outcome)]);
    assert_eq!(decisions("applied"), 4);
    assert_eq!(decisions("refused"), 1);
    assert_eq!(decisions("failed"), 5, "two and then three tries");
    assert_eq!(counter("sourced_retries_total", &[door]), 4);
    assert_eq!(counter("sourced_parked_total", &[door]), 1);
    assert_eq!(counter("sourced_promoted_total", &[]), 1);

    for name in ["sourced_handle_seconds", "sourced_ack_seconds"] {
        let Some(DebugValue::Histogram(times)) = find(MetricKind::Histogram, name, &[door]) else {
            panic!("no histogram {name}")
        };
        assert!(
            times
                .iter()
                .all(|time| (0.0..60.0).contains(&time.into_inner())),
            "{times:?}"
        );
    }
    assert!(find(MetricKind::Histogram, "sourced_claim_seconds", &[]).is_some());
    let gauge = |name: &str| match find(MetricKind::Gauge, name, &[door]) {
        Some(DebugValue::Gauge(value)) => value.into_inner(),
        _ => panic!("no gauge {name}"),
    };
    assert!(gauge("sourced_lanes_in_flight").abs() < f64::EPSILON);
    // It was last looked at when the workers started.
    assert!((0.0..=1.0).contains(&gauge("sourced_pending_lanes")));
}

#[test]
fn metrics_are_described() {
    let undescribed: Vec<_> = recorded()
        .into_vec()
        .into_iter()
        .filter(|(_, unit, text, _)| unit.is_none() || text.is_none())
        .map(|(key, ..)| key.key().name().to_owned())
        .collect();
    assert!(undescribed.is_empty(), "{undescribed:?}");
}
