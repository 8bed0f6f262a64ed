//! Commands with an id of the caller's: each has one effect, whichever way it comes in.

use sourced::prelude::*;
use sourced::{MessageId, Outcome, Outgoing, RetryPolicy, UnitError, WorkerOptions};

use crate::backends::On;

/// Its reactions make one command of all events of a day.
#[derive(Debug, Default)]
pub struct Mill {
    n_ground: u32,
}

#[derive(Debug, thiserror::Error)]
#[error("the sack of {0} is empty")]
pub struct Empty(u32);

#[actor]
impl Mill {
    #[command]
    pub fn grind(&self, day: u32) -> Result<Ground, Empty> {
        if day == 0 {
            Err(Empty(day))
        } else {
            Ok(Ground { day })
        }
    }

    #[event]
    pub fn ground(&mut self, _day: u32) {
        self.n_ground += 1;
    }

    #[reaction]
    fn count_the_day(&self, event: &Ground) -> Outgoing<CloseDay> {
        let id = MessageId::from(uuid::Uuid::from_u128(event.day.into()));
        Outgoing::from(CloseDay { day: event.day }).with_id(id)
    }

    #[command]
    pub fn close_day(&self, day: u32) -> DayClosed {
        DayClosed { day }
    }

    #[event]
    pub fn day_closed(&mut self, _day: u32) {}
}

fn id(n: u128) -> MessageId {
    uuid::Uuid::from_u128(n << 64).into()
}

async fn mill(on: &On) -> App {
    on.builder().register::<Mill>().build().await.unwrap()
}

fn grind(day: u32, n: u128, mill: &str) -> Outgoing<Grind> {
    Outgoing::from(Grind { day }).with_id(id(n)).to(mill)
}

async fn n_stored(app: &App, type_name: &str) -> usize {
    let log = crate::shop::log(app).await;
    log.iter()
        .filter(|message| message.type_name.as_str() == type_name)
        .count()
}

pub async fn same_id_once_for_reactions_to_events_of_one_batch(on: On) {
    let app = mill(&on).await;
    let days = [1, 1, 2, 1].map(|day| Grind { day }.to("mill"));
    app.dispatch_all(days).await.unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    assert_eq!(n_stored(&app, "mill.ground").await, 4);
    assert_eq!(n_stored(&app, "mill.day_closed").await, 2);
    assert_eq!(app.group::<Mill>().parked(None, 10).await.unwrap().len(), 0);
    running.stop().await;
}

pub async fn same_id_once_in_one_dispatch(on: On) {
    let app = mill(&on).await;
    let twice = [1, 1].map(|n| grind(1, n, "mill"));
    let receipts = app.dispatch_all(twice).await.unwrap();
    assert_eq!(receipts.len(), 2);
    assert_eq!(receipts[0].place, receipts[1].place);
    assert_eq!([false, true], [0, 1].map(|n| receipts[n].already_stored));

    let elsewhere = ["mill", "other"].map(|mill| grind(1, 2, mill));
    let error = app.dispatch_all(elsewhere).await.unwrap_err();
    assert!(error.to_string().contains("already taken"), "{error}");
    assert_eq!(n_stored(&app, "mill.grind").await, 1);
}

pub async fn same_id_once_in_units_which_answer_the_first_outcome(on: On) {
    let app = mill(&on).await;
    let unit = app.unit();
    let first = unit.handle(grind(3, 1, "mill")).await.unwrap();
    let again = unit.handle(grind(3, 1, "mill")).await.unwrap();
    assert_eq!(first.messages().len(), 4);
    assert_eq!(again.messages(), first.messages());
    let ground = again.of::<Mill>();
    assert_eq!(ground.len(), 2, "{ground:?}");

    // Dispatched and refused by a worker first.
    let receipt = app.dispatch(grind(0, 2, "mill")).await.unwrap();
    let running = app.start();
    assert!(matches!(
        receipt.outcome().await.unwrap(),
        Outcome::Refused(_)
    ));
    running.stop().await;
    let error = unit.handle(grind(0, 2, "mill")).await.unwrap_err();
    assert!(matches!(error, UnitError::Refused(_)), "{error:?}");

    let error = unit.handle(grind(3, 1, "other")).await.unwrap_err();
    assert!(error.to_string().contains("already taken"), "{error}");
    assert_eq!(n_stored(&app, "mill.ground").await, 1);
}

mod untyped {
    use sourced::prelude::*;
    use sourced::{Command, Outgoing};

    #[command("nobody.decides_this")]
    pub struct Lost;

    #[derive(Debug, Default)]
    pub struct Sender;

    #[actor]
    impl Sender {
        #[command]
        pub fn begin(&self) -> Begun {
            Begun
        }
        #[event]
        pub fn begun(&mut self) {}
        #[reaction]
        fn go_on(&self, _: &Begun) -> Outgoing {
            Lost.to("somewhere").any()
        }
    }

    pub fn name() -> &'static str {
        <Lost as sourced::message::MessageType>::NAME
    }

    pub fn is_command<C: Command>() {}
}

pub async fn a_command_that_nobody_decides_is_not_sent_by_a_reaction(on: On) {
    untyped::is_command::<untyped::Lost>();
    let workers = WorkerOptions::default().retry(RetryPolicy::never());
    let builder = on.builder().register::<untyped::Sender>().workers(workers);
    let app = builder.build().await.unwrap();
    let error = app.unit().handle(untyped::Begin.to("a")).await.unwrap_err();
    assert!(error.to_string().contains(untyped::name()), "{error}");

    app.dispatch(untyped::Begin.to("b")).await.unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    let parked = app
        .group::<untyped::Sender>()
        .parked(None, 10)
        .await
        .unwrap();
    assert_eq!(parked.len(), 1);
    let told = format!("{parked:?}");
    assert!(told.contains("no registered actor decides"), "{told}");
    assert_eq!(n_stored(&app, untyped::name()).await, 0);
    running.stop().await;
}
