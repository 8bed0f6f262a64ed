//! Scenarios: several reactors, time, causes, and how they say no.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "the types are of these tests alone"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sourced::prelude::*;
use sourced::{Every, Memory, Principal, Timestamp};
use sourced_testing::{MessagesExt as _, Scenario, Spans as _, Told, scenario};

use support::{Place, failure_at};

#[derive(Debug, Default)]
pub struct Order {
    is_started: bool,
    is_paid: bool,
    n_reminders: u32,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("nothing is ordered yet")]
pub struct NotStarted;

#[actor]
impl Order {
    #[command]
    pub fn start(&self, name: String) -> Started {
        Started { name }
    }
    #[event]
    pub fn started(&mut self, _name: String) {
        self.is_started = true;
    }
    #[command]
    pub fn start_payment(&self, who: Principal) -> Result<PaymentStarted, NotStarted> {
        let by = who.user_id().unwrap_or("nobody").to_owned();
        self.is_started
            .then_some(PaymentStarted { by })
            .ok_or(NotStarted)
    }
    #[event]
    pub fn payment_started(&mut self, _by: String) {}
    #[reaction]
    fn pay(&self, _: &PaymentStarted, id: &StreamId) -> Outgoing<Process> {
        Process {}.to(format!("{id}-payment"))
    }
    #[reaction]
    fn let_it_be_paid(&self, _: &Started) -> Outgoing<Remind> {
        Remind.after(20.days())
    }
    #[command]
    pub fn remind(&self) -> Option<Reminded> {
        (!self.is_paid).then_some(Reminded)
    }
    #[event]
    pub fn reminded(&mut self) {
        self.n_reminders += 1;
    }
    #[reaction]
    fn remind_again(&self, _: &Reminded) -> Option<Outgoing<Remind>> {
        (self.n_reminders < 3).then(|| Remind.after(2.days()))
    }
}

#[derive(Debug, Default)]
pub struct Payment;

#[derive(Debug, thiserror::Error)]
#[error("the bank is away")]
struct BankIsAway;

#[derive(Debug, Default)]
pub struct Bank {
    n_calls: AtomicUsize,
    is_away: bool,
}

#[actor]
impl Payment {
    #[command]
    pub async fn process(&self, bank: Res<Arc<Bank>>) -> Result<Processed, Failure> {
        bank.n_calls.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        if bank.is_away {
            return Err(BankIsAway.into());
        }
        Ok(Processed)
    }
    #[event]
    pub fn processed(&mut self) {}
}

#[derive(Debug, Default)]
pub struct Telemetry;

#[actor]
impl Telemetry {
    #[command]
    pub fn log(&self, source: String) -> Logged {
        Logged { source }
    }
    #[event]
    pub fn logged(&mut self, _source: String) {}
    #[reaction(PaymentStarted, Processed)]
    fn watch(&self, id: &StreamId) -> Outgoing<Log> {
        let source = id.to_string();
        Log { source }.to("telemetry")
    }
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenOrders {
    name: String,
    n_reminders: u32,
}

#[projector]
impl OpenOrders {
    #[event]
    fn started(&mut self, event: &Started) {
        self.name.clone_from(&event.name);
    }
    #[event]
    fn reminded(&mut self, _: &Reminded) {
        self.n_reminders += 1;
    }
    #[sync]
    async fn save(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("open_orders", &self.name, self).await
    }
}

fn started() -> Started {
    Started { name: "foo".into() }
}

fn shop(bank: &Arc<Bank>) -> Scenario {
    scenario![Order, Payment, Telemetry].with(Arc::clone(bank))
}

/// Both are asked for before either is done.
fn logged(sources: [&str; 2]) -> Told<([Log; 2], [Logged; 2])> {
    let sources = sources.map(ToOwned::to_owned);
    let logs = sources.clone().map(|source| Log { source });
    (logs, sources.map(|source| Logged { source })).in_stream("telemetry")
}

/// The text with which a scenario fails, without the line, which is given apart.
fn failure_of(scenario: Scenario) -> (String, Place) {
    let (text, _) = failure_at(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(scenario.into_future());
    });
    let (place, text) = text
        .strip_prefix("the scenario fails at ")
        .unwrap()
        .split_once("\n\n")
        .unwrap();
    let mut parts = place.split(':');
    let (file, line) = (parts.next().unwrap(), parts.next().unwrap());
    (text.to_owned(), (file.to_owned(), line.parse().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reactors_work_together_until_nothing_moves() {
    let bank = Arc::new(Bank::default());
    let (order, payment) = ("order-1", "order-1-payment");
    shop(&bank)
        .by(Principal::user("u-7"))
        .given(started().in_stream(order))
        .when(StartPayment.to(order))
        .then_messages((
            (started(), StartPayment, PaymentStarted { by: "u-7".into() }).in_stream(order),
            (Process, Processed).in_stream(payment),
            logged([order, payment]),
        ))
        .then_new_messages((
            PaymentStarted { by: "u-7".into() }.in_stream(order),
            (Process, Processed).in_stream(payment),
            logged([order, payment]),
        ))
        .then_chain((
            StartPayment,
            PaymentStarted { by: "u-7".into() },
            Process.to(payment),
            Processed,
            Log {
                source: payment.into(),
            },
            Logged {
                source: payment.into(),
            },
        ))
        .await;
    assert_eq!(bank.n_calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_given_was_handled_before() {
    let bank = Arc::new(Bank::default());
    shop(&bank)
        .register::<OpenOrders>()
        .stream("order-1")
        .given((Start { name: "foo".into() }, started(), Reminded))
        .given(PaymentStarted { by: "u-7".into() })
        .then_new_messages(())
        .then_scheduled(())
        .then_document(
            "open_orders",
            "foo",
            &OpenOrders {
                name: "foo".into(),
                n_reminders: 1,
            },
        )
        .then_no_document("open_orders", "bar")
        .then_state("order-1", |order: &Order| assert_eq!(order.n_reminders, 1))
        .when(started())
        .then_scheduled(Remind.to("order-1").after(20.days()))
        .await;
    assert_eq!(bank.n_calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn time_passes_from_one_due_message_to_the_next() {
    scenario![Order, Payment]
        .with(Arc::new(Bank::default()))
        .stream("order-1")
        .when(Start { name: "foo".into() })
        .then_scheduled(Remind.after(20.days()))
        .and_then_pass(19.days() + 23.hours() + 59.minutes() + 59.seconds())
        .then_new_messages(())
        .and_then_pass(1.seconds())
        .then_new_messages((Remind, Reminded))
        // One is due two days after the other.
        .and_then_pass(30.days())
        .then_new_messages((Remind, Reminded, Remind, Reminded))
        .then_scheduled(())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_recurs_comes_with_the_time() {
    let hourly = |app: sourced::AppBuilder| {
        app.recurring("remind", Every(Duration::from_hours(1)), |_| {
            Remind.to("order-1")
        })
    };
    scenario![Order, Payment]
        .with(Arc::new(Bank::default()))
        .app(hourly)
        .stream("order-1")
        .given(started())
        .and_then_pass(3.hours())
        .then_new_messages([(Remind, Reminded), (Remind, Reminded), (Remind, Reminded)])
        .await;
}

#[tokio::test]
async fn a_stream_may_be_new() {
    let start = || Start { name: "foo".into() };
    shop(&Arc::default())
        .when(start().to_new::<Order>())
        .then_messages((start(), started()).in_new_stream::<Order>())
        .then_chain((start().to_new::<Order>(), started()))
        .await;
}

#[tokio::test]
async fn a_refusal_is_told_by_its_text() {
    shop(&Arc::default())
        .when(StartPayment.to("order-1"))
        .then_refused_saying("nothing is ordered yet")
        .then_new_messages(())
        .then_app(async |app| {
            assert!(
                app.groups()
                    .await
                    .unwrap()
                    .iter()
                    .all(|group| group.parked == 0)
            );
        })
        .await;
}

#[tokio::test]
async fn a_failure_that_is_expected_fails_no_scenario() {
    let bank = Arc::new(Bank {
        is_away: true,
        ..Bank::default()
    });
    shop(&bank)
        .when(Process.to("payment-1"))
        .then_failed_saying("the bank is away")
        .then_new_messages(())
        .await;
    assert_eq!(bank.n_calls.load(Ordering::Relaxed), 1, "once");
}

#[test]
fn the_difference_is_told_with_what_led_to_what_and_the_line() {
    let bank = Arc::default();
    let line = line!() + 4;
    let scenario = shop(&bank)
        .given(started().in_stream("order-1"))
        .when(StartPayment.to("order-1"))
        .then_new_messages((
            PaymentStarted { by: "u-7".into() }.in_stream("order-1"),
            Process.to("order-1-payment"),
            logged(["order-1", "order-1-payment"]),
        ));
    let (text, place) = failure_of(scenario);
    assert_eq!(
        text,
        r#"the messages are not those expected (- expected, + came)

in `order-1`:
    order.payment_started {
  -   by: "u-7"
  +   by: "nobody"
    }
in `order-1-payment`:
    payment.process
  + payment.processed
in `telemetry`:
    telemetry.log { source: "order-1" }
    telemetry.log { source: "order-1-payment" }
    telemetry.logged { source: "order-1" }
    telemetry.logged { source: "order-1-payment" }

what led to what:
    order.started { name: "foo" } (order-1 #1)
    order.start_payment (order-1 #2)
    └─ order.payment_started { by: "nobody" } (order-1 #3)
       ├─ payment.process (order-1-payment #1)
       │  └─ payment.processed (order-1-payment #2)
       │     └─ telemetry.log { source: "order-1-payment" } (telemetry #2)
       │        └─ telemetry.logged { source: "order-1-payment" } (telemetry #4)
       └─ telemetry.log { source: "order-1" } (telemetry #1)
          └─ telemetry.logged { source: "order-1" } (telemetry #3)
"#
    );
    assert_eq!(place, (file!().to_owned(), line));
}

#[test]
fn a_chain_that_breaks_says_where_and_what_was_the_cause() {
    let scenario = shop(&Arc::default())
        .given(started().in_stream("order-1"))
        .when(StartPayment.to("order-1"))
        .then_chain((StartPayment, Processed));
    let (text, _) = failure_of(scenario);
    let expected = "payment.processed did not come of order.start_payment (order-1 #2)\n\
                    payment.processed (order-1-payment #2) came of payment.process (order-1-payment #1)\n\n\
                    what led to what:\n    order.started { name: \"foo\" } (order-1 #1)\n";
    assert!(text.starts_with(expected), "{text}");
    let scenario = shop(&Arc::default())
        .when(StartPayment.to("order-1"))
        .then_chain((PaymentStarted { by: "u-7".into() }, Process));
    let (text, _) = failure_of(scenario);
    assert_eq!(
        text,
        "there is no order.payment_started { by: \"u-7\" }\n\n\
         what led to what:\n    order.start_payment (order-1 #1) refused: nothing is ordered yet\n"
    );
}

#[test]
fn a_failure_that_is_not_expected_fails_the_scenario() {
    let bank = Arc::new(Bank {
        is_away: true,
        ..Bank::default()
    });
    let story = "`payment` failed with `payment.process` at seq 1 of `payment-1`: the bank is away";
    let (text, _) = failure_of(
        shop(&bank)
            .when(Process.to("payment-1"))
            .then_new_messages(()),
    );
    assert_eq!(text, story);
    let (text, _) = failure_of(shop(&bank).when(Process.to("payment-1")));
    assert_eq!(text, story, "also where nothing else is asked");
    let (text, _) = failure_of(
        shop(&bank)
            .when(Process.to("payment-1"))
            .then_failed_saying("no money"),
    );
    assert_eq!(text, story);
    let (text, _) = failure_of(
        shop(&Arc::default())
            .when(Process.to("payment-1"))
            .then_failed_saying("no money"),
    );
    assert_eq!(text, "nothing failed, and this was expected to: no money");
}

#[test]
fn refusals_schedules_and_documents_say_what_is_there_instead() {
    let start = || {
        shop(&Arc::default())
            .register::<OpenOrders>()
            .stream("order-1")
            .when(Start { name: "foo".into() })
    };
    let text = |scenario| failure_of(scenario).0;
    let error = text(start().then_refused_saying("no"));
    assert!(
        error.starts_with("nothing was refused\n\nwhat led to what:\n    order.start { name"),
        "{error}"
    );
    let error = text(
        start()
            .when(Process.to("x"))
            .when(StartPayment.to("order-2"))
            .then_refused_saying("no"),
    );
    assert!(
        error.starts_with("the refusal is not what was expected (- expected, + came)\n\n  - no\n  + nothing is ordered yet\n"),
        "{error}"
    );
    assert_eq!(
        text(start().then_scheduled(Remind.after(2.days()))),
        "what waits for its time is not what was expected (- expected, + came)\n\n\
         in `order-1`:\n    order.remind {\n  \
         -   (at): 2023-11-16T22:13:20.000000Z\n  \
         +   (at): 2023-12-04T22:13:20.000000Z\n    }\n"
    );
    let none = OpenOrders {
        name: "foo".into(),
        n_reminders: 1,
    };
    assert_eq!(
        text(start().then_document("open_orders", "foo", &none)),
        "the document `foo` of `open_orders` is not what was expected (- expected, + came)\n\n  \
         -   n_reminders: 1\n  +   n_reminders: 0\n      name: \"foo\"\n"
    );
    assert_eq!(
        text(start().then_document("open_orders", "bar", &none)),
        "there is no document `bar` of `open_orders`"
    );
    assert_eq!(
        text(start().then_no_document("open_orders", "foo")),
        "there is a document `foo` of `open_orders`: {\"n_reminders\":0,\"name\":\"foo\"}"
    );
}

#[test]
fn a_scenario_that_makes_no_sense_is_told_so() {
    let text = |scenario| failure_of(scenario).0;
    let bank = Arc::default();
    assert_eq!(
        text(shop(&bank).when(StartPayment)),
        "`order.start_payment` says no stream\n\n\
         help: `.in_stream(\"…\")`, or `.stream(\"…\")` for all that say none"
    );
    assert_eq!(
        text(
            shop(&bank)
                .on(Memory::new())
                .when(StartPayment.to("order-1"))
                .and_then_pass(2.days())
        ),
        "time cannot be moved on this backend, whose clock is its own\n\n\
         help: leave `.on(..)` out, and the scenario runs in memory"
    );
    assert_eq!(
        text(
            scenario![Order, Payment]
                .with(bank)
                .when(Log { source: "x".into() }.to("telemetry"))
        ),
        "no registered actor decides `telemetry.log`: register the one that does"
    );
    let (error, _) = failure_at(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(
            scenario![Order]
                .when(StartPayment.to("order-1"))
                .into_future(),
        );
    });
    assert!(
        error.starts_with("the app of the scenario does not fit together: "),
        "{error}"
    );
}

#[derive(Debug, Default)]
pub struct Stall {
    is_open: bool,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the market has not begun")]
pub struct TooEarly;

#[actor]
impl Stall {
    #[command]
    pub fn open_stall(&self, now: Now) -> Result<StallOpened, TooEarly> {
        let begins = Timestamp::from_micros(1_800_000_000_000_000);
        if *now < begins {
            return Err(TooEarly);
        }
        Ok(StallOpened)
    }
    #[event]
    pub fn stall_opened(&mut self) {
        self.is_open = true;
    }
}

#[tokio::test]
async fn a_scenario_begins_when_it_is_told_to() {
    let before = Timestamp::from_micros(1_799_999_999_000_000);
    scenario![Stall]
        .now(before)
        .when(OpenStall.to("stall-1"))
        .then_refused_saying("the market has not begun")
        .and_then_pass(1.seconds())
        .when(OpenStall.to("stall-1"))
        .then_state("stall-1", |stall: &Stall| assert!(stall.is_open))
        .await;
}

#[tokio::test]
#[should_panic(expected = "a backend with a clock of its own")]
async fn nobody_sets_the_clock_of_another_backend() {
    scenario![Stall]
        .on(Memory::new())
        .now(Timestamp::from_micros(0))
        .await;
}
