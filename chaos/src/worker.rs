//! A process that handles messages.

use std::process::ExitCode;
use std::time::Duration;

use crate::args::Args;
use crate::database::Database;

/// How long a claim holds unless it is renewed. Short, so that stopping a process for longer is quick.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// Works until it is killed.
pub(crate) async fn run(database: &Database, args: &Args) -> anyhow::Result<ExitCode> {
    let app = database.patiently_opened(args.no_fence).await;
    app.run().await?;
    Ok(ExitCode::SUCCESS)
}
