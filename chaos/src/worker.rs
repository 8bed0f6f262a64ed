//! A process that handles messages.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::args::Args;
use crate::database::Database;
use crate::giving_up::{impatient, unless_given_up};

/// How long a claim holds unless it is renewed. Short, so that stopping a process for longer is quick.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
/// How long handlers may take when a process is asked to stop.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(3);

/// Works until it is killed, or asked to stop.
pub(crate) async fn run(database: &Database, args: &Args) -> anyhow::Result<ExitCode> {
    let app = database.patiently_opened(args.omission()).await;
    let mut asked = signal(SignalKind::terminate())?;
    loop {
        let workers = app.start();
        tokio::select! {
            _ = asked.recv() => {
                workers.stop().await;
                return Ok(ExitCode::SUCCESS);
            }
            // Others take their place while these come to their end.
            () = impatient() => {
                _ = unless_given_up(workers.stop()).await;
            }
        }
    }
}
