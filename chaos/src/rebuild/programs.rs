//! The programs of both versions, and the processes that run them.

use std::process::ExitCode;
use std::time::Duration;

use sourced::backend::Backend;
use sourced::reactor::Register;
use sourced::{App, WorkerOptions};
use sourced_postgres::Postgres;
use sourced_sqlite::Sqlite;

use super::domain::{Takings, TakingsOfTwo, Till};
use super::sales;
use crate::args::{Args, Role};
use crate::database::Database;
use crate::unfenced::Unfenced;
use crate::worker::LEASE;

/// Workers of each version.
pub(super) const WORKERS: u64 = 2;

/// Plays a part in a child process: the first workers, and all who sell, have the older program.
pub(crate) async fn play(role: Role, database: &Database, args: &Args) -> anyhow::Result<ExitCode> {
    match role {
        Role::Dispatcher => sales::run(&patiently::<Takings>(database, args).await, args).await?,
        Role::Worker if args.nth < WORKERS => {
            patiently::<Takings>(database, args).await.run().await?;
        }
        Role::Worker => {
            let app = patiently::<TakingsOfTwo>(database, args).await;
            app.run().await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Several processes set the database up at the same time.
async fn patiently<P: Register>(database: &Database, args: &Args) -> App {
    loop {
        match open::<P>(database, args.no_fence).await {
            Ok(app) => return app,
            Err(error) => eprintln!("not open yet: {error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The program with this version of the table.
pub(super) async fn open<P: Register>(database: &Database, no_fence: bool) -> anyhow::Result<App> {
    match database {
        Database::Postgres(url) => app::<P>(Postgres::connect(url).await?, no_fence).await,
        Database::Sqlite(path) => app::<P>(Sqlite::open(path).await?, no_fence).await,
    }
}

async fn app<P: Register>(backend: impl Backend, no_fence: bool) -> anyhow::Result<App> {
    let workers = WorkerOptions::default().lease(LEASE).lanes(16);
    let app = App::builder().workers(workers);
    let app = app.register::<Till>().register::<P>();
    let app = if no_fence {
        app.backend(Unfenced(backend))
    } else {
        app.backend(backend)
    };
    Ok(app.build().await?)
}
