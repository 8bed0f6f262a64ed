//! Run with `cargo run -p holiday`: books two holidays, once as one stream and once as several, of which one cannot be
//! had. Everything is kept in `holiday.db`; a second run finds it there.
#![expect(clippy::print_stdout, reason = "it is a program that prints a trail")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use holiday::agency::Agency;
use holiday::{End, Part, several, single};
use sourced::prelude::*;
use sourced::{Outcome, Position, Selection, WorkerOptions};
use sourced_sqlite::Sqlite;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let agency = Agency::default().sold_out(Part::Car, "Venice");
    let app = holiday::app()
        .backend(Sqlite::open("holiday.db").await?)
        .resource(Arc::new(agency))
        // What a killed process was busy with stays its own so long; a new start waits for it.
        .workers(WorkerOptions::default().lease(Duration::from_secs(5)))
        .build()
        .await?;
    let end_of_log = app.backend().log_end().await?;
    let workers = app.start();
    for destination in ["Rome", "Venice"] {
        start(&app, destination).await?;
    }
    app.idle().await?;
    workers.stop().await;

    print_trail(&app, end_of_log).await?;
    for destination in ["Rome", "Venice"] {
        let holiday = app.load::<single::Holiday>(id("holiday", destination));
        print_end("one stream", destination, holiday.await?.state().end());
        let trip = app.load::<several::Trip>(id("trip", destination));
        print_end("several streams", destination, trip.await?.state().end());
    }
    Ok(())
}

/// Starts a holiday in both forms.
async fn start(app: &App, destination: &str) -> Result<(), Failure> {
    let to = || destination.to_owned();
    let holiday = single::Start { destination: to() }.to(id("holiday", destination));
    let trip = several::Start { destination: to() }.to(id("trip", destination));
    for receipt in app.dispatch_all([holiday.any(), trip.any()]).await? {
        if let Outcome::Refused(reason) = receipt.outcome().await? {
            println!("{destination}: {reason}");
        }
    }
    Ok(())
}

fn id(prefix: &str, destination: &str) -> String {
    format!("{prefix}-{}", destination.to_lowercase())
}

async fn print_trail(app: &App, after: Position) -> Result<(), Failure> {
    let mut trail = app.log(Selection::all().after(after)).stream();
    while let Some(message) = trail.try_next().await? {
        println!(
            "{:20} #{:<2} {:26} {}",
            message.stream_id.as_str(),
            message.seq.get(),
            message.type_name.as_str(),
            message.payload.as_str()
        );
    }
    Ok(())
}

fn print_end(form: &str, destination: &str, end: Option<&End>) {
    let end = end.map_or_else(|| "goes on".to_owned(), ToString::to_string);
    println!("{destination}, as {form}: {end}");
}
