//! Scheduling: what is told to wait enters its stream at its time, once, whoever runs.

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::Change;
use sourced::env::Env;
use sourced::prelude::*;
use sourced::{DispatchError, Memory, MessageId, Outcome, Place, Timestamp, UnitError};
use sourced_testing::ManualClock;

use crate::backends::On;
use crate::shop::{log, types};

const HOUR: Duration = Duration::from_hours(1);
const BEGINNING: Timestamp = Timestamp::from_micros(0);

/// Rings some time after it was set.
#[derive(Debug, Default)]
struct Alarm {
    n_rings: u32,
}

#[actor]
impl Alarm {
    #[command]
    fn set(&self, minutes: u64) -> AlarmSet {
        AlarmSet { minutes }
    }

    #[event]
    fn alarm_set(&mut self, _minutes: u64) {}

    #[reaction]
    fn ring_later(&self, set: &AlarmSet) -> Outgoing<Ring> {
        Ring {}.after(Duration::from_mins(set.minutes))
    }

    #[command]
    fn ring(&self) -> Rang {
        Rang {}
    }

    #[event]
    fn rang(&mut self) {
        self.n_rings += 1;
    }
}

const UP_TO_THE_RING: [&str; 2] = ["alarm.set", "alarm.alarm_set"];
const ALL: [&str; 4] = ["alarm.set", "alarm.alarm_set", "alarm.ring", "alarm.rang"];

async fn app(on: &On) -> App {
    on.builder().register::<Alarm>().build().await.unwrap()
}

/// Sets an alarm that rings in an hour, and gives the id of the ring.
async fn set(app: &App) -> MessageId {
    app.dispatch(Set { minutes: 60 }.to("alarm-1"))
        .await
        .unwrap();
    app.idle().await.unwrap();
    let scheduled = app.scheduled(None, 10).await.unwrap();
    assert_eq!(scheduled.len(), 1);
    assert_eq!(scheduled[0].stream.as_str(), "alarm-1");
    scheduled[0].message.id
}

/// Waits until a command is decided.
async fn settled(app: &App, id: MessageId) -> Outcome {
    loop {
        match app.outcome(id).await.unwrap() {
            Outcome::Scheduled(_) | Outcome::Pending => tokio::task::yield_now().await,
            outcome => return outcome,
        }
    }
}

pub async fn schedule_once_a_reaction_s_follow_up_waits_for_its_time(on: On) {
    let app = app(&on).await;
    let running = app.start();
    let before = app.env().clock.now();
    let ring = set(&app).await;
    assert_eq!(types(&app).await, UP_TO_THE_RING);
    let Outcome::Scheduled(at) = app.outcome(ring).await.unwrap() else {
        panic!("not scheduled");
    };
    assert!(at >= before.saturating_add(HOUR));

    assert_eq!(app.reschedule(ring, BEGINNING).await.unwrap(), Change::Done);
    let Outcome::Applied(events) = settled(&app, ring).await else {
        panic!("not applied");
    };
    assert_eq!(events.len(), 1);
    app.idle().await.unwrap();
    assert_eq!(types(&app).await, ALL);
    assert_eq!(app.scheduled(None, 10).await.unwrap(), []);
    // It is caused by the event, as if it had been dispatched at once.
    let log = log(&app).await;
    assert_eq!(log[2].causation_id, log[1].id);
    assert_eq!(log[2].correlation_id, log[0].correlation_id);
    running.stop().await;
}

pub async fn schedule_once_a_dispatched_command_is_waited_for(on: On) {
    let app = app(&on).await;
    let running = app.start();
    let at = app
        .env()
        .clock
        .now()
        .saturating_add(Duration::from_millis(30));
    let receipt = app.dispatch(Ring {}.at(at).to("alarm-1")).await.unwrap();
    assert_eq!(receipt.place, Place::Scheduled { at });
    assert!(
        matches!(receipt.outcome().await.unwrap(), Outcome::Applied(events) if events.len() == 1)
    );
    assert!(app.env().clock.now() >= at);
    assert_eq!(types(&app).await, ["alarm.ring", "alarm.rang"]);
    running.stop().await;
}

pub async fn a_time_that_has_passed_means_now(on: On) {
    let app = app(&on).await;
    let commands = [
        Ring {}.at(BEGINNING).to("alarm-1"),
        Ring {}.after(HOUR).to("alarm-1"),
        Ring {}.to("alarm-2"),
    ];
    let receipts = app.dispatch_all(commands).await.unwrap();
    let is_stored: Vec<_> = receipts
        .iter()
        .map(|receipt| matches!(receipt.place, Place::Stored { .. }))
        .collect();
    assert_eq!(is_stored, [true, false, true]);
    assert_eq!(types(&app).await.len(), 2);
}

pub async fn same_id_once_for_a_command_that_is_scheduled_twice(on: On) {
    let app = app(&on).await;
    let id = MessageId::from_uuid(app.env().ids.next_id());
    let ring = |delay| Ring {}.after(delay).to("alarm-1").with_id(id);
    let first = app.dispatch(ring(HOUR)).await.unwrap();
    assert!(!first.already_stored);
    let again = app.dispatch(ring(2 * HOUR)).await.unwrap();
    assert!(again.already_stored);
    assert_eq!(again.place, first.place);
    let running = app.start();
    app.reschedule(id, BEGINNING).await.unwrap();
    assert!(matches!(settled(&app, id).await, Outcome::Applied(_)));
    let late = app.dispatch(ring(HOUR)).await.unwrap();
    assert!(late.already_stored);
    assert!(matches!(late.place, Place::Stored { .. }));
    app.idle().await.unwrap();
    assert_eq!(types(&app).await, ["alarm.ring", "alarm.rang"]);
    running.stop().await;
}

pub async fn a_cancelled_command_is_never_decided(on: On) {
    let app = app(&on).await;
    let running = app.start();
    let ring = set(&app).await;
    assert_eq!(app.cancel(ring).await.unwrap(), Change::Done);
    assert_eq!(app.outcome(ring).await.unwrap(), Outcome::Unknown);
    assert_eq!(app.cancel(ring).await.unwrap(), Change::Unknown);
    let another = app.dispatch(Ring {}.to("alarm-1")).await.unwrap();
    another.outcome().await.unwrap();
    assert_eq!(app.cancel(another.id).await.unwrap(), Change::AlreadyStored);
    assert_eq!(types(&app).await, ALL);
    running.stop().await;
}

pub async fn schedule_once_by_the_next_process_when_this_one_has_ended(on: On) {
    let ring = {
        let app = app(&on).await;
        let running = app.start();
        let ring = set(&app).await;
        running.stop().await;
        // Its time comes while nobody runs.
        app.reschedule(ring, BEGINNING).await.unwrap();
        ring
    };
    let apps = [app(&on).await, app(&on).await];
    assert_eq!(types(&apps[0]).await, UP_TO_THE_RING);
    let running: Vec<_> = apps.iter().map(App::start).collect();
    assert!(matches!(settled(&apps[0], ring).await, Outcome::Applied(_)));
    apps[1].idle().await.unwrap();
    for running in running {
        running.stop().await;
    }
    assert_eq!(types(&apps[1]).await, ALL);
}

pub async fn a_unit_leaves_what_is_for_later_to_the_workers(on: On) {
    let app = app(&on).await;
    let outcome = app.unit().handle(Set { minutes: 60 }.to("alarm-1")).await;
    assert_eq!(outcome.unwrap().messages().len(), 2);
    assert_eq!(types(&app).await, UP_TO_THE_RING);
    let ring = app.scheduled(None, 10).await.unwrap().remove(0).message.id;
    let running = app.start();
    app.reschedule(ring, BEGINNING).await.unwrap();
    assert!(matches!(settled(&app, ring).await, Outcome::Applied(_)));
    assert_eq!(types(&app).await, ALL);
    let refused = app.unit().handle(Ring {}.after(HOUR).to("alarm-1")).await;
    assert!(matches!(
        refused.unwrap_err(),
        UnitError::Dispatch(DispatchError::IsForLater(_))
    ));
    running.stop().await;
}

/// With a clock that stands still nothing is due, however long the program runs.
#[tokio::test]
async fn schedule_once_by_the_app_s_own_clock() {
    let clock = ManualClock::new();
    let mut env = Env::system();
    env.clock = Arc::new(clock.clone());
    let app = App::builder_in(env)
        .backend(Memory::with_clock(Arc::new(clock.clone())))
        .register::<Alarm>()
        .build()
        .await
        .unwrap();
    let running = app.start();
    let receipt = app.dispatch(Ring {}.after(HOUR).to("alarm-1")).await;
    let receipt = receipt.unwrap();
    // As often as it takes to run everything that could run.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    clock.advance(HOUR / 2);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(log(&app).await.is_empty());
    clock.advance(HOUR / 2);
    assert!(matches!(
        settled(&app, receipt.id).await,
        Outcome::Applied(_)
    ));
    assert_eq!(types(&app).await, ["alarm.ring", "alarm.rang"]);
    running.stop().await;
}

/// Whatever thread is where: nobody but the test moves the clock, and only between two steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_with_a_clock_that_stands_still_waits_for_what_is_due() {
    for n_steps in 1..=50 {
        let clock = ManualClock::new();
        let app = clock.app().register::<Alarm>().build().await.unwrap();
        let running = app.start();
        app.dispatch(Set { minutes: 60 }.to("alarm-1"))
            .await
            .unwrap();
        app.idle().await.unwrap();
        assert_eq!(types(&app).await, UP_TO_THE_RING);
        for _ in 1..n_steps {
            clock.advance(HOUR / n_steps);
            app.idle().await.unwrap();
            assert_eq!(types(&app).await, UP_TO_THE_RING);
        }
        clock.advance(HOUR / n_steps * 2);
        app.idle().await.unwrap();
        assert_eq!(types(&app).await, ALL);
        running.stop().await;
    }
}
