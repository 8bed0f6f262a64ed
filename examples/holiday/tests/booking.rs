//! Booking holidays, in memory and in a SQLite file: what is booked, what is given back, and what a restart changes.
#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::sync::Arc;
use std::time::Duration;

use holiday::agency::{Agency, Trouble};
use holiday::{AlreadyStarted, End, Part, several, single};
use sourced::prelude::*;
use sourced::{Memory, RetryPolicy, Selection, WorkerOptions};
use sourced_sqlite::Sqlite;
use sourced_testing::given;

/// Where a holiday is kept, from one start of the program to the next.
enum Place {
    Memory(Memory),
    File(tempfile::TempDir),
}

impl Place {
    fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    /// The program, started here.
    async fn app(&self, agency: &Arc<Agency>) -> App {
        let workers = WorkerOptions::default()
            .poll_max(Duration::from_millis(5))
            .stop_within(Duration::ZERO)
            .retry(RetryPolicy::default().first_pause(Duration::from_millis(1)));
        let app = holiday::app().workers(workers).resource(Arc::clone(agency));
        let app = match self {
            Self::Memory(memory) => app.backend(memory.clone()),
            Self::File(folder) => app.backend(
                Sqlite::open(folder.path().join("holiday.db"))
                    .await
                    .unwrap(),
            ),
        };
        app.build().await.unwrap()
    }
}

/// One test of each for each form and place.
macro_rules! everywhere {
    ($($test:ident),* $(,)?) => {
        mod single_in_memory { $(#[tokio::test] async fn $test() { super::$test(super::Place::memory(), super::Form::Single).await; })* }
        mod single_in_a_file { $(#[tokio::test] async fn $test() { super::$test(super::Place::file(), super::Form::Single).await; })* }
        mod several_in_memory { $(#[tokio::test] async fn $test() { super::$test(super::Place::memory(), super::Form::Several).await; })* }
        mod several_in_a_file { $(#[tokio::test] async fn $test() { super::$test(super::Place::file(), super::Form::Several).await; })* }
    };
}
everywhere! {
    everything_is_booked,
    without_a_flight_nothing_stays_booked,
    without_a_hotel_nothing_stays_booked,
    without_a_car_nothing_stays_booked,
    a_lost_answer_books_nothing_twice,
    a_lost_answer_to_a_release_leaves_nothing_booked,
    a_restart_in_the_middle_of_a_call_goes_on,
    a_restart_in_the_middle_of_giving_back_goes_on,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Single,
    Several,
}

impl Form {
    fn start(self) -> Outgoing {
        let destination = "Rome".to_owned();
        match self {
            Self::Single => single::Start { destination }.to("holiday-1").any(),
            Self::Several => several::Start { destination }.to("holiday-1").any(),
        }
    }

    async fn end(self, app: &App) -> Option<End> {
        match self {
            Self::Single => {
                let holiday = app.load::<single::Holiday>("holiday-1").await.unwrap();
                holiday.state().end().cloned()
            }
            Self::Several => {
                let trip = app.load::<several::Trip>("holiday-1").await.unwrap();
                trip.state().end().cloned()
            }
        }
    }

    /// Starts a holiday and lets it come to its end.
    async fn run(self, app: &App) -> Option<End> {
        app.dispatch(self.start()).await.unwrap();
        go_on(app).await;
        self.end(app).await
    }
}

async fn go_on(app: &App) {
    let workers = app.start();
    app.idle().await.unwrap();
    workers.stop().await;
}

/// How often an event of this name is in the log, in whatever stream.
async fn n_events(app: &App, name: &str) -> usize {
    let log = app
        .log(Selection::all())
        .page(1_000)
        .await
        .unwrap()
        .messages;
    let is_named = |message: &&StoredMessage| message.type_name.as_str().ends_with(name);
    log.iter().filter(is_named).count()
}

fn cancelled(part: Part) -> End {
    End::Cancelled(format!("no {part} to Rome"))
}

async fn everything_is_booked(place: Place, form: Form) {
    let agency = Arc::new(Agency::default());
    let app = place.app(&agency).await;
    assert_eq!(form.run(&app).await, Some(End::Booked));
    assert_eq!(agency.held(), Part::ALL);
    assert_eq!(n_events(&app, ".confirmed").await, 1);
}

async fn without_a_flight_nothing_stays_booked(place: Place, form: Form) {
    let n_booked = if form == Form::Single { 0 } else { 2 };
    is_given_back(&place, form, Part::Flight, n_booked).await;
}

async fn without_a_hotel_nothing_stays_booked(place: Place, form: Form) {
    let n_booked = if form == Form::Single { 1 } else { 2 };
    is_given_back(&place, form, Part::Hotel, n_booked).await;
}

async fn without_a_car_nothing_stays_booked(place: Place, form: Form) {
    is_given_back(&place, form, Part::Car, 2).await;
}

/// One part is sold out, and so many others are booked by the time that is known.
async fn is_given_back(place: &Place, form: Form, sold_out: Part, n_booked: usize) {
    let agency = Arc::new(Agency::default().sold_out(sold_out, "Rome"));
    let app = place.app(&agency).await;
    assert_eq!(form.run(&app).await, Some(cancelled(sold_out)));
    assert_eq!(agency.held(), []);
    assert_eq!(agency.n_booked(), n_booked);
    assert_eq!(n_events(&app, ".part_released").await, n_booked);
    assert_eq!(n_events(&app, ".cancelled").await, 1);
}

async fn a_lost_answer_books_nothing_twice(place: Place, form: Form) {
    let agency = Agency::default()
        .in_trouble(Part::Flight, Trouble::LostAnswer)
        .in_trouble(Part::Car, Trouble::LostAnswer)
        .in_trouble(Part::Car, Trouble::LostAnswer);
    let agency = Arc::new(agency);
    let app = place.app(&agency).await;
    assert_eq!(form.run(&app).await, Some(End::Booked));
    assert_eq!(agency.n_booked(), 3);
    assert_eq!(n_events(&app, ".part_booked").await, 3);
}

async fn a_lost_answer_to_a_release_leaves_nothing_booked(place: Place, form: Form) {
    // The first trouble is with the booking, the second with the release.
    let agency = Agency::default()
        .sold_out(Part::Car, "Rome")
        .in_trouble(Part::Hotel, Trouble::LostAnswer)
        .in_trouble(Part::Hotel, Trouble::LostAnswer);
    let agency = Arc::new(agency);
    let app = place.app(&agency).await;
    assert_eq!(form.run(&app).await, Some(cancelled(Part::Car)));
    assert_eq!(agency.held(), []);
    assert_eq!(n_events(&app, ".part_released").await, 2);
}

async fn a_restart_in_the_middle_of_a_call_goes_on(place: Place, form: Form) {
    let agency = Arc::new(Agency::default().in_trouble(Part::Hotel, Trouble::NoAnswer));
    {
        let app = place.app(&agency).await;
        let workers = app.start();
        app.dispatch(form.start()).await.unwrap();
        agency.is_silent().await;
        assert!(workers.stop().await.aborted >= 1);
        assert_eq!(form.end(&app).await, None);
        assert!(agency.held().contains(&Part::Hotel), "and nobody knows");
    }
    let app = place.app(&agency).await;
    go_on(&app).await;
    assert_eq!(form.end(&app).await, Some(End::Booked));
    assert_eq!(agency.n_booked(), 3, "the hotel once");
    assert_eq!(n_events(&app, ".confirmed").await, 1);
}

async fn a_restart_in_the_middle_of_giving_back_goes_on(place: Place, form: Form) {
    let agency = Agency::default()
        .sold_out(Part::Car, "Rome")
        .in_trouble(Part::Flight, Trouble::LostAnswer)
        .in_trouble(Part::Flight, Trouble::NoAnswer);
    let agency = Arc::new(agency);
    {
        let app = place.app(&agency).await;
        let workers = app.start();
        app.dispatch(form.start()).await.unwrap();
        agency.is_silent().await;
        workers.stop().await;
        assert_eq!(form.end(&app).await, None);
    }
    let app = place.app(&agency).await;
    go_on(&app).await;
    assert_eq!(form.end(&app).await, Some(cancelled(Part::Car)));
    assert_eq!(agency.held(), []);
    assert_eq!(n_events(&app, ".part_released").await, 2);
    assert_eq!(n_events(&app, ".cancelled").await, 1);
}

#[test]
fn a_holiday_is_started_once() {
    let destination = || "Rome".to_owned();
    given::<single::Holiday>(single::Started {
        destination: destination(),
    })
    .when(single::Start {
        destination: destination(),
    })
    .then_refused(AlreadyStarted);
    given::<several::Trip>(several::Started {
        destination: destination(),
    })
    .when(several::Start {
        destination: destination(),
    })
    .then_refused(AlreadyStarted);
}
