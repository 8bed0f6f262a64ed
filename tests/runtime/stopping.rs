//! Stopping: what runs may finish, what is left is given back; nothing is lost or doubled.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sourced::prelude::*;
use sourced::{Outcome, WorkerOptions};
use sourced_testing::faulty::{Call, Faults, Trouble};
use sourced_testing::{Faulty, ManualClock, Op};

use crate::backends::On;
use crate::shop::*;

pub async fn a_graceful_stop_lets_running_handlers_finish(on: On) {
    let stage = Stage::new();
    let app = on.app(&stage).await;
    let running = app.start();
    let receipt = app.dispatch(play("wait").to("till-1")).await.unwrap();
    stage.waiting.notified().await;
    let (report, ()) = tokio::join!(running.stop(), async { stage.go_on.add_permits(1) });
    assert_eq!(report.aborted, 0);
    assert!(matches!(
        app.outcome(receipt.id).await.unwrap(),
        Outcome::Applied(_)
    ));
}

pub async fn a_handler_that_does_not_end_is_given_back_and_handled_by_the_next_worker(on: On) {
    let stage = Stage::new();
    let app = on
        .app_with(&stage, |options| {
            options.stop_within = Duration::from_millis(10);
        })
        .await;
    let running = app.start();
    let receipt = app.dispatch(play("wait").to("till-1")).await.unwrap();
    stage.waiting.notified().await;
    assert_eq!(running.stop().await.aborted, 1);
    assert_eq!(app.outcome(receipt.id).await.unwrap(), Outcome::Pending);

    let running = app.start();
    stage.waiting.notified().await;
    stage.go_on.add_permits(1);
    assert!(
        matches!(receipt.outcome().await.unwrap(), Outcome::Applied(events) if events.len() == 1)
    );
    running.stop().await;
}

pub async fn fenced_a_worker_whose_claim_was_taken_over_stores_nothing(on: On) {
    let stage = Stage::new();
    // So short that it ends while the handler waits, and is never renewed in time.
    let app = on
        .app_with(&stage, |options| options.lease = Duration::ZERO)
        .await;
    let running = app.start();
    let receipt = app.dispatch(play("wait").to("till-1")).await.unwrap();
    // Taken over twice at least: three handlers wait at the same place.
    for _ in 0..3 {
        stage.waiting.notified().await;
    }
    stage.go_on.add_permits(1_000);
    let Outcome::Applied(events) = receipt.outcome().await.unwrap() else {
        panic!("not applied")
    };
    assert_eq!(events.len(), 1, "only the last holder's work is stored");
    assert!(stage.calls("wait") >= 3);
    running.stop().await;
    let played = types(&app)
        .await
        .iter()
        .filter(|name| *name == "till.played")
        .count();
    assert_eq!(played, 1);
}

pub async fn a_slow_handler_holds_back_no_other_stream(on: On) {
    let stage = Stage::new();
    // Room for four lanes, three of which are taken by handlers that wait.
    let app = on.app_with(&stage, |options| options.lanes = 4).await;
    let running = app.start();
    for n in 0..3 {
        app.dispatch(play("wait").to(format!("slow-{n}")))
            .await
            .unwrap();
        stage.waiting.notified().await;
    }
    for n in 0..20 {
        let receipt = app
            .dispatch(sell("tea").to(format!("quick-{n}")))
            .await
            .unwrap();
        assert!(matches!(
            receipt.outcome().await.unwrap(),
            Outcome::Applied(_)
        ));
    }
    stage.go_on.add_permits(3);
    app.idle().await.unwrap();
    assert_eq!(running.stop().await.aborted, 0);
}

pub async fn several_workers_share_the_work_and_double_nothing(on: On) {
    let app = on.app(&Stage::new()).await;
    let workers: Vec<_> = (0..4).map(|_| app.start()).collect();
    let dispatch = |till: usize| {
        let app = app.clone();
        async move {
            app.dispatch_all((0..3).map(|n| sell(&format!("p{n}")).to(format!("till-{till}"))))
                .await
                .unwrap();
        }
    };
    futures_util::future::join_all((0..50).map(dispatch)).await;
    app.idle().await.unwrap();
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(
        types(&app).await.len(),
        50 * 3 * 4,
        "each sale: sell, sold, note, noted"
    );
    for till in 0..50 {
        let loaded = app.load::<Till>(format!("till-{till}")).await.unwrap();
        assert_eq!(loaded.state().sold, ["p0", "p1", "p2"]);
        assert_eq!(
            report(&app, &format!("till-{till}")).await.unwrap().n_sold,
            3
        );
    }
}

pub async fn a_stop_ends_within_its_time_whatever_the_storage_does(on: On) {
    for op in [Op::Claim, Op::Ack, Op::Release] {
        let (builder, script) = on.faulty();
        let stage = Stage::new();
        let workers = WorkerOptions::default().stop_within(Duration::from_millis(20));
        let builder = builder.register::<Till>().workers(workers);
        let app = builder.resource(Arc::clone(&stage)).build().await.unwrap();
        let running = app.start();
        let till = format!("till-of-{op:?}");
        let part = if op == Op::Release { "wait" } else { "go" };
        let mut held = script.hold(op);
        app.dispatch(play(part).to(till.as_str())).await.unwrap();
        if op == Op::Release {
            stage.waiting.notified().await;
        } else {
            held.arrived().await;
        }
        let time_is_up = app.env().clock.sleep(Duration::from_secs(5));
        tokio::select! {
            _ = running.stop() => {}
            () = time_is_up => panic!("it does not come back while {op:?} is held"),
        }
        assert!(app.health().await.workers.is_empty());
    }
}

pub async fn safe_to_drop_a_stop_leaves_nothing_running(on: On) {
    let stage = Stage::new();
    let change = |options: &mut WorkerOptions| options.stop_within = Duration::from_millis(10);
    let app = on.app_with(&stage, change).await;
    let running = app.start();
    let receipt = app.dispatch(play("wait").to("till-1")).await.unwrap();
    stage.waiting.notified().await;
    assert!(running.stop().now_or_never().is_none());
    while !app.health().await.workers.is_empty() {
        app.env().clock.sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(app.outcome(receipt.id).await.unwrap(), Outcome::Pending);
    // It was given back, and nobody else has it.
    let running = app.start();
    stage.waiting.notified().await;
    stage.go_on.add_permits(1);
    receipt.outcome().await.unwrap();
    assert_eq!(stage.calls("wait"), 2);
    running.stop().await;
}

/// Counts the looks for work.
#[derive(Debug, Clone, Default)]
struct Looks(Arc<AtomicUsize>);

#[async_trait]
impl Faults for Looks {
    async fn around(
        &self,
        call: &Call<'_>,
        go: BoxFuture<'_, Result<(), String>>,
    ) -> Result<(), Trouble> {
        if matches!(call.op(), Op::Claim | Op::Promote) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        // So that others have a turn, however often somebody looks.
        tokio::task::yield_now().await;
        _ = go.await;
        Ok(())
    }
}

#[tokio::test]
async fn flat_cost_workers_that_nobody_holds_wait_between_two_looks() {
    let (clock, looks) = (ManualClock::new(), Looks::default());
    let backend = Faulty::by(clock.memory(), looks.clone());
    let app = clock.app().backend(backend).register::<Till>();
    let app = app.resource(Stage::new()).build().await.unwrap();
    drop(app.start());
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    // The clock stands still, so that each of the two has looked once, or twice where it was woken.
    let n_looks = looks.0.load(Ordering::Relaxed);
    assert!((2..=4).contains(&n_looks), "{n_looks} looks");
}
