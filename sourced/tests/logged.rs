//! What is said in the log, and nowhere else.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, Mutex};

use sourced::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps the warnings, a line each.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !self.0.is_empty() {
            self.0.push_str("; ");
        }
        if field.name() != "message" {
            write!(self.0, "{field}: ").unwrap();
        }
        write!(self.0, "{value:?}").unwrap();
    }
}

#[derive(Debug, Default)]
struct Flight;

#[derive(Debug, thiserror::Error)]
enum BookingError {
    #[error("there are no seats left")]
    NoSeats,
    #[error("the airline does not answer")]
    Airline(#[from] io::Error),
}

#[actor]
impl Flight {
    #[command]
    fn book(&self, is_full: bool) -> Result<(), BookingError> {
        if is_full {
            return Err(BookingError::NoSeats);
        }
        Err(io::Error::from(io::ErrorKind::TimedOut).into())
    }

    #[event]
    fn landed(&mut self) {}
}

async fn app() -> App {
    App::builder().register::<Flight>().build().await.unwrap()
}

#[tokio::test]
async fn every_warning_of_an_app_is_logged() {
    let log = Warnings::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let app = app().await;
    let told: Vec<String> = app.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(log.take(), told);
}

#[tokio::test]
async fn a_refusal_led_to_by_an_outage_is_logged_with_its_command() {
    let log = Warnings::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let app = app().await;
    log.take();

    let flight = app.actor::<Flight>("flight-1");
    flight.book(true).await.unwrap_err();
    assert!(log.take().is_empty(), "a plain refusal is nobody's outage");
    flight.book(false).await.unwrap_err();
    let said = log.take();
    assert_eq!(said.len(), 1, "{said:?}");

    let stored = app
        .dispatch(Book { is_full: false }.to("flight-2"))
        .await
        .unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    let said = log.take();
    assert_eq!(said.len(), 1, "{said:?}");
    for named in [
        "because of an outage",
        "`Rejected<..>`",
        "flight.book",
        "flight-2",
        "the airline does not answer",
        "timed out",
        &stored.id.to_string(),
    ] {
        assert!(said[0].contains(named), "{named}: {said:?}");
    }
}
