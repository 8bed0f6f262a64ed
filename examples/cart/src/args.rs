//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::database::Database;

/// Feeds commands to a shop's carts and shows what comes of them.
///
/// Prints every message as it is stored, then the listings of all carts. A command with an id is decided once, however
/// often it is fed: after a crash, just start again.
///
/// Exit status: 0 when all went well, 1 on a failure, 2 when lines were skipped, 130 or 143 when stopped by ctrl-c or
/// SIGTERM.
#[derive(Debug, Clone, Parser)]
#[command(name = "cart", version)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are switches of a command line"
)]
pub struct Args {
    /// Commands as JSON lines, `-` for standard input; by default the file that comes with the example.
    pub input: Option<PathBuf>,

    /// A path of a SQLite file, `sqlite://path`, `postgres://…` (also with `?schema=name`), or `memory`.
    #[arg(short, long, default_value = "cart.db")]
    pub database: Database,

    /// The Postgres schema to keep everything in.
    #[arg(long)]
    pub schema: Option<String>,

    /// Reads no commands: decides, reacts and projects until told to stop.
    #[arg(long, conflicts_with_all = ["input", "no_workers", "verify"])]
    pub workers_only: bool,

    /// Leaves the work to other processes, and waits for them.
    #[arg(long)]
    pub no_workers: bool,

    /// Checks the log against the input, changes nothing.
    #[arg(long)]
    pub verify: bool,

    /// Projects all listings again from the log, with a bar that shows how far that is.
    #[arg(long, conflicts_with_all = ["input", "workers_only", "verify"])]
    pub replay: bool,

    /// Prints what leads to what in the shop, and does nothing else.
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["input", "workers_only", "verify"])]
    pub topology: Option<Picture>,

    /// Does not print the messages.
    #[arg(long)]
    pub no_trail: bool,

    /// Prints neither the messages nor the listings.
    #[arg(short, long)]
    pub quiet: bool,

    /// Writes the listings to this file too.
    #[arg(long, value_name = "FILE")]
    pub listings: Option<PathBuf>,
}

/// How the topology is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    /// A flowchart for Markdown.
    Mermaid,
    /// Data.
    Json,
    /// A picture.
    Svg,
}

impl Args {
    /// Whether messages are printed.
    pub fn prints_trail(&self) -> bool {
        !self.no_trail && !self.quiet
    }
}
