//! The programs of both versions, and the processes that run them.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sourced::backend::Backend;
use sourced::reactor::Register;
use sourced::{App, WorkerOptions};
use sourced_postgres::Postgres;
use sourced_sqlite::Sqlite;

use super::domain::{Takings, TakingsOfTwo, Till};
use super::sales;
use super::told::Told;
use crate::args::{Args, Role};
use crate::careless::{Careless, Omission};
use crate::database::Database;
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
        match told_to::<P>(database, args).await {
            Ok(app) => return app,
            Err(error) => eprintln!("not open yet: {error:#}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn told_to<P: Register>(database: &Database, args: &Args) -> anyhow::Result<App> {
    let folder = args.folder.as_deref().context("a child needs a folder")?;
    program::<P>(database, Told::open(folder)?, args.no_fence).await
}

/// The program with this version of the table, of somebody who only reads.
pub(super) async fn open<P: Register>(database: &Database) -> anyhow::Result<App> {
    program::<P>(database, Told::default(), false).await
}

async fn program<P: Register>(
    database: &Database,
    told: Told,
    no_fence: bool,
) -> anyhow::Result<App> {
    match database {
        Database::Postgres(url) => app::<P>(Postgres::connect(url).await?, told, no_fence).await,
        Database::Sqlite(path) => app::<P>(Sqlite::open(path).await?, told, no_fence).await,
    }
}

async fn app<P: Register>(
    backend: impl Backend,
    told: Told,
    no_fence: bool,
) -> anyhow::Result<App> {
    let workers = WorkerOptions::default().lease(LEASE).lanes(16);
    let app = App::builder().workers(workers).resource(Arc::new(told));
    let app = app.register::<Till>().register::<P>();
    let app = if no_fence {
        app.backend(Careless::new(backend, Omission::Fence))
    } else {
        app.backend(backend)
    };
    Ok(app.build().await?)
}
