//! Looks for lost, doubled and reordered messages by force.
//!
//! ```text
//! cargo run --release -p chaos -- --backend postgres --seed 1 --seconds 150
//! ```
//!
//! Real processes work on a real database: dispatchers store commands and write down what was acknowledged, workers
//! handle them, and a conductor breaks things at random moments drawn from the seed: it kills processes and Postgres
//! with SIGKILL, has processes end and give calls up at some poll of some call, halts workers for longer than their leases,
//! asks them to stop, cuts connections, has the database stand still and take no writes, takes Postgres away for a while
//! (`--outage`), and fills the disk (`--small-disk`). Handlers are slow, fail and panic by
//! themselves. At the end everything is left to come to rest, and the log and the effects are counted.
//!
//! With `--moves` the database becomes an earlier one: a copy takes its place (`restore`), or a replica takes over that may
//! lack the last writes (`failover`) or has all that was acknowledged (`synchronous-failover`). What may be gone then is
//! known, and all that is there has to be of one piece.
//!
//! The last line on standard output is
//! `{"faults":…,"messages":…,"acked_lost":…,"effects_lost":…,"doubled":…,"reordered":…,"unfounded":…,"parked":…,"late":…}`.
//! The exit status is 0 if all but the first two are 0, and 1 if not. It is 1, too, if a process ended by itself or if it
//! all did not come to rest.
//!
//! With `--tables` it is table projections that are broken: see [`tables`].
//! With `--rebuild` a new version of a table takes the place of the old one: see [`rebuild`].
//!
//! With `--no-fence` the program does what a backend without fencing would: whoever lost a lane may still write. That
//! run has to fail; it shows that the program would see a double. With `--no-history-check` it does what a backend would
//! that does not look which event was the last one, nor whether the log was set back: with `--moves` that has to fail, too.

#![expect(clippy::print_stderr, reason = "what a run has to tell goes there")]
#![expect(clippy::disallowed_methods, reason = "real processes run on real time")]

mod args;
mod careless;
mod conductor;
mod database;
mod dispatcher;
mod domain;
mod dying;
mod giving_up;
mod losses;
mod processes;
mod rebuild;
mod recorder;
mod report;
mod site;
mod small_disk;
mod tables;
mod trouble;
mod troupe;
mod verify;
mod worker;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use crate::args::{Args, Role};
use crate::database::Database;

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match args.role {
        None if args.tables => runtime.block_on(tables::run(&args)),
        None if args.rebuild => runtime.block_on(rebuild::run(&args)),
        None => runtime.block_on(conductor::run(&args)),
        Some(role) => runtime.block_on(play(role, &args)),
    }
}

/// Plays a part in a child process until somebody ends it.
async fn play(role: Role, args: &Args) -> anyhow::Result<ExitCode> {
    let place = args.place.as_deref().context("a child is told its place")?;
    dying::listen()?;
    giving_up::listen()?;
    let database = Database::parse(place);
    match role {
        _ if args.tables => tables::play(role, &database, args).await,
        _ if args.rebuild => rebuild::play(role, &database, args).await,
        Role::Worker => worker::run(&database, args).await,
        Role::Dispatcher => dispatcher::run(&database, args).await,
    }
}
