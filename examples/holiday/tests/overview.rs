//! The list of holidays, in memory and in a SQLite file.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::time::Duration;

use holiday::Part;
use holiday::agency::Agency;
use holiday::overview::HolidayRow;
use holiday::single::Start;
use sourced::prelude::*;
use sourced::{AppBuilder, WorkerOptions};
use sourced_sqlite::Sqlite;

async fn shows_how_each_holiday_ended(app: AppBuilder) {
    let agency = Agency::default().sold_out(Part::Car, "Venice");
    let workers = WorkerOptions::default().poll_max(Duration::from_millis(5));
    let app = app.resource(Arc::new(agency)).workers(workers);
    let app = app.build().await.unwrap();
    let running = app.start();
    for destination in ["Rome", "Venice", "Paris"] {
        let start = Start {
            destination: destination.to_owned(),
        };
        app.dispatch(start.to(format!("holiday-{destination}")))
            .await
            .unwrap();
    }
    assert!(app.idle().await.unwrap().is_done());
    let ended = |rows: Vec<HolidayRow>| {
        let row = |row: HolidayRow| (row.destination, row.parts_booked, row.end.unwrap());
        rows.into_iter().map(row).collect::<Vec<_>>()
    };
    let row = |to: &str, parts: u32, end: &str| (to.to_owned(), parts, end.to_owned());
    let expected = [
        row("Paris", 3, "booked"),
        row("Rome", 3, "booked"),
        row("Venice", 0, "cancelled: no car to Venice"),
    ];
    let holidays = || app.rows::<HolidayRow>();
    let all = holidays().order_by(|row| row.destination.ascending());
    assert_eq!(ended(all.all().await.unwrap()), expected);
    let venice = holidays().filter(|row| row.parts_booked.eq(0_u32));
    assert_eq!(ended(venice.all().await.unwrap()), expected[2..]);

    app.group::<HolidayRow>().rebuild().await.unwrap();
    assert!(app.idle().await.unwrap().is_done());
    let all = holidays().order_by(|row| row.destination.ascending());
    assert_eq!(ended(all.all().await.unwrap()), expected);
    running.stop().await;
}

#[tokio::test]
async fn the_list_in_memory_shows_how_each_holiday_ended() {
    shows_how_each_holiday_ended(holiday::app()).await;
}

#[tokio::test]
async fn the_list_in_a_file_shows_how_each_holiday_ended() {
    let folder = tempfile::tempdir().unwrap();
    let file = Sqlite::open(folder.path().join("holiday.db")).await;
    shows_how_each_holiday_ended(holiday::app().backend(file.unwrap())).await;
}
