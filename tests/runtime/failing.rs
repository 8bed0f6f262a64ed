//! Failing: tried again, then parked; the worker and all other streams go on.

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{AppendError, BackendError};
use sourced::prelude::*;
use sourced::{CommandError, DispatchError, Outcome, Rejected, RetryPolicy, WorkerOptions};

use sourced_testing::Op;

use crate::backends::On;
use crate::shop::*;

/// Sends as many as it is told to.
#[derive(Debug, Default)]
pub struct Sprinkler {
    n: usize,
}

#[actor("sprinkler")]
impl Sprinkler {
    #[command]
    fn sprinkle(&self, n: usize) -> Vec<Drop> {
        (0..n).map(|_| Drop).collect()
    }

    #[event]
    fn on_drop(&mut self, _: &Drop) {
        self.n += 1;
    }
}

#[event("sprinkler.drop")]
pub struct Drop;

pub async fn what_is_too_large_fails_its_own_command_at_once(on: On) {
    let builder = on.builder().register::<Sprinkler>();
    let app = builder.build().await.unwrap();
    let mut receipts = Vec::new();
    // Together they are too many, and one of them alone is.
    for n in [4_000, 4_000, 4_000, 10_001, 1] {
        let sprinkle = Sprinkle { n }.to("sprinkler-1");
        receipts.push(app.dispatch(sprinkle).await.unwrap());
    }
    let running = app.start();
    for receipt in &receipts[..3] {
        let outcome = receipt.outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    }
    let Outcome::Failed(error) = receipts[3].outcome().await.unwrap() else {
        panic!("no append takes so many")
    };
    assert!(error.contains("too many messages in one append"), "{error}");
    let outcome = receipts[4].outcome().await.unwrap();
    assert!(
        matches!(&outcome, Outcome::Blocked { by, .. } if *by == receipts[3].id),
        "{outcome:?}"
    );
    running.stop().await;
    let parked = app.group_named("sprinkler").unwrap().parked(None, 10).await;
    let parked = parked.unwrap();
    assert_eq!(
        (parked.len(), parked[0].attempts),
        (1, 1),
        "by the policy, 160"
    );
    let told = serde_json::to_value(&parked[0]).unwrap();
    assert_eq!(told["failure"]["type_name"], "sprinkler.sprinkle");
}

async fn parks(on: On, part: &str, why: &str) {
    let stage = Stage::new();
    let app = on.app(&stage).await;
    let running = app.start();
    let bad = app.dispatch(play(part).to("till-1")).await.unwrap();
    let behind = app.dispatch(sell("tea").to("till-1")).await.unwrap();
    let elsewhere = app.dispatch(sell("tea").to("till-2")).await.unwrap();
    assert!(matches!(
        elsewhere.outcome().await.unwrap(),
        Outcome::Applied(_)
    ));
    let Outcome::Failed(error) = bad.outcome().await.unwrap() else {
        panic!("not failed")
    };
    assert!(
        error.contains(why) && error.contains("till.play"),
        "{error}"
    );
    assert_eq!(stage.calls(part), 3, "three tries, as the policy says");
    let blocked = Outcome::Blocked {
        by: bad.id,
        error: app
            .group::<Till>()
            .parked(None, 1)
            .await
            .unwrap()
            .remove(0)
            .failure
            .error,
    };
    assert_eq!(behind.outcome().await.unwrap(), blocked);
    assert!(
        app.load::<Till>("till-1")
            .await
            .unwrap()
            .state()
            .sold
            .is_empty()
    );
    // The same worker still works.
    let later = app.dispatch(sell("cup").to("till-2")).await.unwrap();
    assert!(matches!(
        later.outcome().await.unwrap(),
        Outcome::Applied(_)
    ));
    assert_eq!(app.idle().await.unwrap().parked, 1);
    running.stop().await;
}

pub async fn quarantine_of_a_stream_whose_message_keeps_failing(on: On) {
    parks(on, "fail", "as told").await;
}

pub async fn workers_survive_a_panic_in_a_handler(on: On) {
    parks(on, "panic", "panicked: as told").await;
}

pub async fn a_failure_that_passes_is_tried_again_until_it_does(on: On) {
    let stage = Stage::new();
    let app = on.app(&stage).await;
    let running = app.start();
    let receipt = app.dispatch(play("twice").to("till-1")).await.unwrap();
    assert!(matches!(
        receipt.outcome().await.unwrap(),
        Outcome::Applied(_)
    ));
    assert_eq!(stage.calls("twice"), 3);
    // The count of attempts starts again with every message.
    let receipt = app.dispatch(play("twice-more").to("till-1")).await.unwrap();
    assert!(matches!(
        receipt.outcome().await.unwrap(),
        Outcome::Applied(_)
    ));
    running.stop().await;
}

pub async fn what_went_well_before_a_failure_in_the_same_batch_is_kept(on: On) {
    let stage = Stage::new();
    let app = on.app(&stage).await;
    let parts = ["one", "two", "fail", "three"];
    app.dispatch_all(parts.map(|part| play(part).to("till-1")))
        .await
        .unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    assert_eq!(
        app.load::<Till>("till-1").await.unwrap().state().sold,
        ["one", "two"]
    );
    assert_eq!(
        (
            stage.calls("one"),
            stage.calls("two"),
            stage.calls("fail"),
            stage.calls("three")
        ),
        (1, 1, 3, 0)
    );
    running.stop().await;
}

pub async fn a_panicking_evolve_parks_its_stream_and_no_other(on: On) {
    let app = on.app(&Stage::new()).await;
    let running = app.start();
    let bad = app
        .dispatch(
            Note {
                text: String::new(),
            }
            .to("till-1"),
        )
        .await
        .unwrap();
    app.dispatch(sell("tea").to("till-2")).await.unwrap();
    // The first decision stores the event; the next one meets it in the history.
    assert!(matches!(
        bad.outcome().await.unwrap(),
        Outcome::Failed(_) | Outcome::Applied(_)
    ));
    let next = app.dispatch(sell("tea").to("till-1")).await.unwrap();
    assert!(matches!(
        next.outcome().await.unwrap(),
        Outcome::Failed(_) | Outcome::Blocked { .. }
    ));
    app.idle().await.unwrap();
    assert_eq!(report(&app, "till-2").await.unwrap().n_sold, 1);
    running.stop().await;
}

pub async fn a_command_may_both_refuse_and_fail(on: On) {
    #[derive(Default)]
    struct Flight;

    #[derive(Debug, thiserror::Error)]
    #[error("no seats")]
    struct NoSeats;

    #[actor]
    impl Flight {
        #[command]
        async fn book(
            &self,
            part: String,
            stage: Res<Arc<Stage>>,
        ) -> Result<Booked, Rejected<NoSeats>> {
            stage.play(&part).await?;
            if part == "full" {
                return Err(NoSeats.into());
            }
            Ok(Booked)
        }
        #[event]
        fn booked(&mut self) {}
    }

    let stage = Stage::new();
    let retry = RetryPolicy::default().first_pause(Duration::from_millis(1));
    let options = WorkerOptions::default().retry(retry);
    let builder = on.builder().register::<Flight>().workers(options);
    let app = builder.resource(Arc::clone(&stage)).build().await.unwrap();
    let running = app.start();
    let book = |part: &str| Book { part: part.into() }.to("flight-1");
    let receipt = app.dispatch(book("twice")).await.unwrap();
    let outcome = receipt.outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert_eq!(stage.calls("twice"), 3, "failures are tried again");
    let receipt = app.dispatch(book("full")).await.unwrap();
    let refused = Outcome::Refused("no seats".into());
    assert_eq!(receipt.outcome().await.unwrap(), refused);
    assert_eq!(stage.calls("full"), 1, "a refusal is not");
    running.stop().await;
}

pub async fn outage_is_no_attempt_in_the_appends_of_an_acknowledgement(on: On) {
    let (builder, script) = on.faulty();
    let options = WorkerOptions::default().retry(RetryPolicy::never());
    let builder = builder.register::<Till>().workers(options);
    let app = builder.resource(Stage::new()).build().await.unwrap();
    for _ in 0..3 {
        script.refuse(Op::Ack);
    }
    let running = app.start();
    let receipt = app.dispatch(sell("tea").to("till-1")).await.unwrap();
    let outcome = receipt.outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert!(app.idle().await.unwrap().is_done());
    assert_eq!(script.n_left(), 0);
    running.stop().await;
}

/// How an outage comes to a handler that asks the app for something.
fn outages() -> [Failure; 4] {
    let away = || BackendError::Unavailable("it is away".into());
    [
        away().into(),
        AppendError::from(away()).into(),
        DispatchError::from(AppendError::from(away())).into(),
        CommandError::<TillError>::from(away()).into(),
    ]
}

pub async fn outage_is_no_attempt_however_a_handler_meets_it(on: On) {
    #[derive(Default)]
    struct Clerk;

    #[actor]
    impl Clerk {
        #[command]
        fn look_up(&self, stage: Res<Arc<Stage>>) -> Result<LookedUp, Failure> {
            let n_tried = stage.count("look-up") as usize;
            outages()
                .into_iter()
                .nth(n_tried - 1)
                .map_or(Ok(LookedUp), Err)
        }
        #[event]
        fn looked_up(&mut self) {}
    }

    let stage = Stage::new();
    let options = WorkerOptions::default().retry(RetryPolicy::never());
    let builder = on.builder().register::<Clerk>().workers(options);
    let app = builder.resource(Arc::clone(&stage)).build().await.unwrap();
    let running = app.start();
    let receipt = app.dispatch(LookUp.to("clerk-1")).await.unwrap();
    let outcome = receipt.outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    assert_eq!(stage.calls("look-up"), 5);
    running.stop().await;
}
