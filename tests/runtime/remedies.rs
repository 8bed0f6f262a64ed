//! After a failure: what a policy does about it, what a person does, and who is told.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sourced::backend::{FailedMessage, GroupState, QuarantineError, Verdict};
use sourced::prelude::*;
use sourced::{
    ErrorStrategy, FailedAttempt, FailureHooks, GroupHooks, LastResort, Outcome, ReactorOptions,
    RetryPolicy, WorkerOptions,
};

use crate::backends::On;
use crate::shop::{self, Report, Stage, Till, play, report, sell};

/// Somebody who is told to fail, and how; until it is repaired.
#[derive(Debug, Default)]
struct Printer {
    tried: Mutex<Vec<String>>,
    is_repaired: Mutex<bool>,
}

#[derive(Debug, thiserror::Error)]
#[error("out of {0}")]
struct OutOf(String);

#[derive(Default)]
struct Labels;

#[handler]
impl Labels {
    #[on]
    fn sold(&self, sold: &shop::Sold, printer: Res<Arc<Printer>>) -> Result<(), Failure> {
        printer.print(&sold.product)
    }
}

impl Printer {
    fn print(&self, label: &str) -> Result<(), Failure> {
        self.tried.lock().unwrap().push(label.to_owned());
        if *self.is_repaired.lock().unwrap() {
            return Ok(());
        }
        match label.split_once('-').map_or(label, |(verb, _)| verb) {
            "never" => Err(Failure::permanent(OutOf("order".to_owned()))),
            "paper" => Err(OutOf("paper".to_owned()).into()),
            "jam" => Err(Failure::msg("jammed")),
            _ => Ok(()),
        }
    }

    fn repair(&self) {
        *self.is_repaired.lock().unwrap() = true;
    }

    fn tried(&self, label: &str) -> usize {
        let tried = self.tried.lock().unwrap();
        tried.iter().filter(|tried| *tried == label).count()
    }
}

fn quick() -> RetryPolicy {
    RetryPolicy::default()
        .attempts(3)
        .first_pause(Duration::from_millis(1))
}

/// The shop, with labels printed under these options.
async fn app(on: &On, printer: &Arc<Printer>, options: ReactorOptions) -> App {
    let workers = WorkerOptions::default()
        .poll_max(Duration::from_millis(5))
        .retry(quick());
    on.builder()
        .register::<Till>()
        .register::<Report>()
        .register_with::<Labels>(options)
        .resource(Stage::new())
        .resource(Arc::clone(printer))
        .workers(workers)
        .build()
        .await
        .unwrap()
}

/// Sells these at the till, and waits until all is done that can be.
async fn sell_all(app: &App, till: &str, products: &[&str]) {
    for product in products {
        app.dispatch(sell(product).to(till)).await.unwrap();
    }
    app.idle().await.unwrap();
}

pub async fn quarantine_at_once_of_what_will_not_pass(on: On) {
    let printer = Arc::new(Printer::default());
    let app = app(&on, &printer, ReactorOptions::default()).await;
    let running = app.start();
    sell_all(&app, "till-1", &["never", "tea"]).await;
    sell_all(&app, "till-2", &["cup"]).await;
    assert_eq!(printer.tried("never"), 1);
    assert_eq!((printer.tried("tea"), printer.tried("cup")), (0, 1));
    let parked = app.group::<Labels>().parked(None, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].stream.as_str(), "till-1");
    assert_eq!(parked[0].failure.error, "out of order");
    assert_eq!(parked[0].failure.type_name.as_str(), "till.sold");
    let health = app.health().await;
    let parked = health.groups.iter().map(|group| group.parked_lanes);
    assert_eq!(parked.collect::<Vec<_>>(), [Some(0), Some(0), Some(1)]);
    assert_eq!(
        report(&app, "till-1").await.unwrap().n_sold,
        2,
        "others go on"
    );
    running.stop().await;
}

pub async fn quarantine_ends_by_a_retry_and_all_is_handled_in_order(on: On) {
    let printer = Arc::new(Printer::default());
    let app = app(&on, &printer, ReactorOptions::default()).await;
    let running = app.start();
    sell_all(&app, "till-1", &["jam", "tea", "cup"]).await;
    assert_eq!(printer.tried("jam"), 3);
    printer.repair();
    let labels = app.group::<Labels>();
    labels
        .retry_parked("till-1", "no longer jammed")
        .await
        .unwrap();
    let again = labels.retry_parked("till-1", "no longer jammed").await;
    assert!(matches!(again, Err(QuarantineError::NotParked { .. })));
    assert!(app.idle().await.unwrap().is_done());
    let tried = printer.tried.lock().unwrap().clone();
    assert_eq!(tried, ["jam", "jam", "jam", "jam", "tea", "cup"]);
    let record = labels.retried(None, 10).await.unwrap().remove(0);
    assert_eq!((record.attempts, &*record.reason), (3, "no longer jammed"));
    running.stop().await;
}

pub async fn ack_never_jumps_when_a_person_skips_what_is_parked(on: On) {
    let printer = Arc::new(Printer::default());
    let app = app(&on, &printer, ReactorOptions::default()).await;
    let running = app.start();
    sell_all(&app, "till-1", &["jam-1", "jam-2", "tea"]).await;
    let labels = app.group::<Labels>();
    let parked = labels.parked(None, 1).await.unwrap().remove(0);
    let skip = async || {
        let position = parked.failure.position;
        labels.skip("till-1", position, "it was torn").await
    };
    skip().await.unwrap();
    app.idle().await.unwrap();
    assert_eq!((printer.tried("jam-2"), printer.tried("tea")), (3, 0));
    let late = skip().await;
    assert!(
        matches!(late, Err(QuarantineError::NotFirst { .. })),
        "{late:?}"
    );
    let next = labels.parked(None, 1).await.unwrap().remove(0);
    let skip = labels.skip("till-1", next.failure.position, "torn, too");
    skip.await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(printer.tried("tea"), 1);
    let skipped = labels.skipped(None, 10).await.unwrap();
    let reasons: Vec<&str> = skipped.iter().map(|skip| &*skip.reason).collect();
    assert_eq!(reasons, ["it was torn", "torn, too"]);
    running.stop().await;
}

pub async fn a_policy_goes_by_the_type_of_the_failure(on: On) {
    let printer = Arc::new(Printer::default());
    let policy = quick()
        .attempts(2)
        .on::<OutOf>(quick().attempts(4).last_resort(LastResort::Skip));
    let options = ReactorOptions::default().retry(policy).messages_per_lane(1);
    let app = app(&on, &printer, options).await;
    let running = app.start();
    sell_all(&app, "till-1", &["paper", "tea"]).await;
    sell_all(&app, "till-2", &["jam", "tea"]).await;
    assert_eq!((printer.tried("paper"), printer.tried("jam")), (4, 2));
    assert_eq!(printer.tried("tea"), 1);
    let labels = app.group::<Labels>();
    let skipped = labels.skipped(None, 10).await.unwrap();
    assert_eq!(skipped.len(), 1);
    assert_eq!(
        (skipped[0].attempts, &*skipped[0].reason),
        (4, "out of paper")
    );
    assert_eq!(app.idle().await.unwrap().parked, 1);
    running.stop().await;
}

pub async fn a_failure_stops_its_group_until_a_person_starts_it(on: On) {
    let printer = Arc::new(Printer::default());
    let policy = quick().last_resort(LastResort::StopGroup);
    let app = app(&on, &printer, ReactorOptions::default().retry(policy)).await;
    let running = app.start();
    sell_all(&app, "till-1", &["jam", "tea"]).await;
    sell_all(&app, "till-2", &["cup"]).await;
    let labels = app.group::<Labels>();
    assert!(!labels.state().await.unwrap().is_active());
    assert_eq!(app.idle().await.unwrap().stopped, [labels.id().clone()]);
    assert_eq!((printer.tried("jam"), printer.tried("cup")), (3, 0));
    assert_eq!(
        report(&app, "till-2").await.unwrap().n_sold,
        1,
        "others go on"
    );
    printer.repair();
    labels.start().await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!((printer.tried("jam"), printer.tried("tea")), (4, 1));
    assert_eq!(printer.tried("cup"), 1);
    running.stop().await;
}

pub async fn hooks_of_each_process_are_told_when_a_group_fails_runs_and_is_stopped(on: On) {
    let told = Arc::new(Mutex::new([const { Vec::new() }; 2]));
    let mut apps = Vec::new();
    for process in 0..2 {
        let told = Arc::clone(&told);
        let hooks = GroupHooks::default()
            .on_change(|_, _| panic!("a hook of others"))
            .on_change(move |group, state| {
                let state = match state {
                    GroupState::Active => "runs".to_owned(),
                    GroupState::Stopped { reason, .. } => reason.clone(),
                    GroupState::Failed { error, message, .. } => {
                        let message: &FailedMessage = message.as_ref().unwrap();
                        format!("{error} at {}", message.type_name)
                    }
                    _ => unreachable!(),
                };
                told.lock().unwrap()[process].push(format!("{group}: {state}"));
            });
        let workers = WorkerOptions::default()
            .poll_max(Duration::from_millis(5))
            .retry(quick().last_resort(LastResort::StopGroup))
            .group_hooks(hooks);
        let builder = on.builder().register::<Till>().register::<Report>();
        let builder = builder.register::<Labels>().resource(Stage::new());
        let builder = builder.resource(Arc::new(Printer::default()));
        apps.push(builder.workers(workers).build().await.unwrap());
    }
    let both_are_told = async |expected: &[&str]| {
        for _ in 0..2_000 {
            if told.lock().unwrap().iter().all(|told| told == expected) {
                return;
            }
            apps[0].env().clock.sleep(Duration::from_millis(2)).await;
        }
        panic!("{:?}, not {expected:?}", told.lock().unwrap());
    };
    let running: Vec<_> = apps.iter().map(App::start).collect();
    let labels = apps[0].group::<Labels>();
    labels.stop("the printer moves").await.unwrap();
    both_are_told(&["labels: the printer moves"]).await;
    labels.start().await.unwrap();
    let mut expected = vec!["labels: the printer moves", "labels: runs"];
    both_are_told(&expected).await;
    sell_all(&apps[0], "till-1", &["jam"]).await;
    expected.push("labels: jammed at till.sold");
    both_are_told(&expected).await;
    let health = apps[1].health().await;
    let parked: Vec<_> = health
        .groups
        .iter()
        .map(|group| group.parked_lanes)
        .collect();
    assert_eq!(parked, [Some(0); 3]);
    for running in running {
        running.stop().await;
    }
}

pub async fn attempts_are_counted_for_each_message_anew(on: On) {
    let stage = Stage::new();
    let app = on.app(&stage).await;
    let running = app.start();
    let parts = ["twice-1", "twice-2", "twice-3"];
    let commands = parts.map(|part| play(part).to("till-1"));
    app.dispatch_all(commands).await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    for part in parts {
        assert_eq!(stage.calls(part), 3, "{part}");
    }
    running.stop().await;
}

pub async fn a_skipped_command_says_so(on: On) {
    let stage = Stage::new();
    let app = on
        .app_with(&stage, |options| {
            let policy = RetryPolicy::never().last_resort(LastResort::Skip);
            *options = options.clone().retry(policy);
        })
        .await;
    let running = app.start();
    let bad = app.dispatch(play("fail").to("till-1")).await.unwrap();
    let good = app.dispatch(sell("tea").to("till-1")).await.unwrap();
    let skipped = Outcome::Skipped("as told".to_owned());
    assert_eq!(bad.outcome().await.unwrap(), skipped);
    let good = good.outcome().await.unwrap();
    assert!(matches!(good, Outcome::Applied(_)), "{good:?}");
    running.stop().await;
}

/// What hooks were called with.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    fn note(&self, call: impl fmt::Display) {
        self.0.lock().unwrap().push(call.to_string());
    }

    fn hooks(&self) -> FailureHooks {
        let say = |what: &'static str| {
            let calls = self.clone();
            move |failed: &FailedAttempt<'_>| {
                let FailedAttempt {
                    stream,
                    attempt,
                    failure,
                    ..
                } = failed;
                calls.note(format_args!("{what} {stream} {attempt} {failure}"));
            }
        };
        let retry = say("retry");
        FailureHooks::default()
            .on_retry(move |failed, pause| {
                assert!(pause > Duration::ZERO);
                retry(failed);
            })
            .on_park(say("park"))
            .on_skip(say("skip"))
            .on_stop(say("stop"))
    }
}

pub async fn a_failure_in_the_middle_of_a_batch_counts_as_any_other(on: On) {
    let (printer, calls) = (Arc::new(Printer::default()), Calls::default());
    let options = ReactorOptions::default()
        .retry(quick())
        .hooks(calls.hooks());
    let app = app(&on, &printer, options).await;
    for (till, bad) in [("till-1", "never"), ("till-2", "jam")] {
        for product in ["tea", bad, "cup"] {
            app.actor::<Till>(till).sell(product).await.unwrap();
        }
    }
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 2);
    running.stop().await;
    assert_eq!((printer.tried("never"), printer.tried("jam")), (1, 3));
    assert_eq!((printer.tried("tea"), printer.tried("cup")), (2, 0));
    let mut told = calls.0.lock().unwrap().clone();
    told.sort();
    let expected = [
        "park till-1 1 out of order",
        "park till-2 3 jammed",
        "retry till-2 1 jammed",
        "retry till-2 2 jammed",
    ];
    assert_eq!(told, expected);
}

pub async fn hooks_are_called_once_for_each_failure(on: On) {
    let (printer, calls) = (Arc::new(Printer::default()), Calls::default());
    let policy = quick()
        .attempts(2)
        .on::<OutOf>(RetryPolicy::never().last_resort(LastResort::Skip));
    let options = ReactorOptions::default().retry(policy).hooks(calls.hooks());
    let app = app(&on, &printer, options).await;
    let running = app.start();
    sell_all(&app, "till-1", &["tea", "jam", "cup"]).await;
    sell_all(&app, "till-2", &["paper", "cup"]).await;
    // A hook is called after what it tells of can be seen.
    running.stop().await;
    let mut told = calls.0.lock().unwrap().clone();
    told.sort();
    let expected = [
        "park till-1 2 jammed",
        "retry till-1 1 jammed",
        "skip till-2 1 out of paper",
    ];
    assert_eq!(told, expected);
}

pub async fn workers_survive_a_panic_in_a_hook_or_a_strategy(on: On) {
    #[derive(Debug)]
    struct Confused;

    impl ErrorStrategy for Confused {
        fn verdict(&self, failed: &FailedAttempt<'_>) -> Verdict {
            assert!(failed.attempt > 1, "as told");
            Verdict::Park
        }
    }

    let (printer, calls) = (Arc::new(Printer::default()), Calls::default());
    let hooks = FailureHooks::default().on_park(|_| panic!("as told"));
    let told = calls.clone();
    let hooks = hooks.on_park(move |failed| told.note(failed.stream));
    let options = ReactorOptions::default().retry(Confused).hooks(hooks);
    let app = app(&on, &printer, options).await;
    let running = app.start();
    sell_all(&app, "till-1", &["jam"]).await;
    sell_all(&app, "till-2", &["cup"]).await;
    assert_eq!(printer.tried("cup"), 1);
    assert_eq!(app.idle().await.unwrap().parked, 1);
    running.stop().await;
    assert_eq!(*calls.0.lock().unwrap(), ["till-1"]);
}

pub async fn a_reactor_keeps_to_its_own_limit_of_lanes(on: On) {
    let stage = Stage::new();
    let workers = WorkerOptions::default().poll_max(Duration::from_millis(5));
    let app = on
        .builder()
        .register_with::<Till>(ReactorOptions::default().lanes(1).messages_per_lane(1))
        .register::<Report>()
        .resource(Arc::clone(&stage))
        .workers(workers)
        .build()
        .await
        .unwrap();
    for till in ["till-1", "till-2", "till-3"] {
        for part in ["wait-1", "wait-2"] {
            app.dispatch(play(part).to(till)).await.unwrap();
        }
    }
    let running = app.start();
    for begun in 1..=6 {
        stage.waiting.notified().await;
        let n_begun = stage.calls("wait-1") + stage.calls("wait-2");
        assert_eq!(n_begun, begun, "one at a time");
        stage.go_on.add_permits(1);
    }
    assert!(app.idle().await.unwrap().is_done());
    running.stop().await;
}
