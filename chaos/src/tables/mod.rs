//! The exactly-once table: `--tables`.
//!
//! ```text
//! cargo run --release -p chaos -- --tables --backend postgres --events 200000 --seed 1
//! ```
//!
//! Dispatchers append events in batches, workers fold them into three tables, and the conductor breaks things until all of
//! them are in the tables: it kills processes and Postgres with SIGKILL, stops workers for longer than their leases, cuts
//! connections, and rebuilds tables while they are being written. Methods panic by themselves. Then everything is killed and
//! started once more, and comes to rest; and the tables, read by plain SQL, are compared row by row with a fold of the log
//! that knows nothing of projectors.
//!
//! With `--behind` all events are in the log, in many short streams, before there are workers, and the tables are rebuilt
//! whenever they are filled: workers catch up through stretches of the log all the time.
//!
//! The last line on standard output is `{"faults":…,"events":…,"rows":…,"rows_wrong":…,"rows_missing":…,"rows_extra":…}`. The
//! exit status is 0 if the last three are 0 and all events are in the log, and 1 if not. It is 1, too, if a process ended by
//! itself or if it all did not come to rest.

mod conductor;
mod dispatcher;
mod domain;
mod fold;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use sourced::backend::Backend;
use sourced::{App, RetryPolicy, WorkerOptions};
use sourced_postgres::Postgres;
use sourced_sqlite::Sqlite;
use sourced_testing::Faulty;

pub(crate) use self::conductor::run;
use self::domain::{CustomerTotal, OpenOrder, StreamTotal};
use crate::args::{Args, Role};
use crate::careless::{Careless, Omission};
use crate::database::Database;
use crate::dying::Dies;
use crate::worker::LEASE;

/// Plays a part in a child process until somebody ends it.
pub(crate) async fn play(role: Role, database: &Database, args: &Args) -> anyhow::Result<ExitCode> {
    match role {
        Role::Dispatcher => dispatcher::run(database, args).await,
        Role::Worker => {
            let app = patiently_opened(database, args.no_fence).await;
            app.run().await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The app, however long the database is away.
async fn patiently_opened(database: &Database, no_fence: bool) -> App {
    loop {
        match open(database, no_fence).await {
            Ok(app) => return app,
            Err(error) => eprintln!("not open yet: {error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn open(database: &Database, no_fence: bool) -> anyhow::Result<App> {
    match database {
        Database::Postgres(url) => app(Postgres::connect(url).await?, no_fence).await,
        Database::Sqlite(path) => app(Sqlite::open(path).await?, no_fence).await,
    }
}

async fn app(backend: impl Backend, no_fence: bool) -> anyhow::Result<App> {
    // Ten attempts: a stream whose table is away for longer is not parked, because that counts as none.
    let retry = RetryPolicy::default()
        .attempts(10)
        .first_pause(Duration::from_millis(10))
        .longest_pause(Duration::from_millis(200));
    let workers = WorkerOptions::default().lease(LEASE).lanes(16).retry(retry);
    let app = App::builder().workers(workers);
    let app = app
        .register::<StreamTotal>()
        .register::<CustomerTotal>()
        .register::<OpenOrder>();
    let backend = Faulty::by(backend, Dies);
    let app = if no_fence {
        app.backend(Careless::new(backend, Omission::Fence))
    } else {
        app.backend(backend)
    };
    Ok(app.build().await?)
}
