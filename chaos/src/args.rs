//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::careless::Omission;

/// Breaks processes and databases, and counts what was lost, doubled or reordered.
#[derive(Debug, Parser)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are options of a command line"
)]
pub(crate) struct Args {
    /// What to break.
    #[arg(long, value_enum, default_value_t = Backend::Postgres)]
    pub(crate) backend: Backend,
    /// The same seed draws the same faults at the same distances.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How long to break things.
    #[arg(long, default_value_t = 150)]
    pub(crate) seconds: u64,
    /// Faults per second, on average.
    #[arg(long, default_value_t = 2.5)]
    pub(crate) faults_per_second: f64,
    /// Commands per second that the dispatchers try to store; each leads to six messages.
    #[arg(long, default_value_t = 50)]
    pub(crate) rate: u32,
    /// Stops Postgres for so many seconds, once, halfway.
    #[arg(long, default_value_t = 0)]
    pub(crate) outage: u64,
    /// Where the SQLite file is kept, instead of a temporary folder: one of a small file system of its own, which is then
    /// filled up now and again. `chaos/full-disk.sh` makes one.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) small_disk: Option<PathBuf>,
    /// Projects events into tables, and compares these with a fold of the log. `--rate` counts for nothing then, and it ends
    /// before `--seconds` are over when all events are in the tables.
    #[arg(long)]
    pub(crate) tables: bool,
    /// How many events there are with `--tables`.
    #[arg(long, default_value_t = 200_000)]
    pub(crate) events: u64,
    /// Stores all events in many short streams before there are workers, and rebuilds the tables whenever they are filled, so that
    /// workers have stretches of the log to handle until `--seconds` are over.
    #[arg(long, requires = "tables")]
    pub(crate) behind: bool,
    /// Lets a new version of a table take the place of the old one under traffic, while readers query it.
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Moves the database now and again.
    #[arg(long, value_enum)]
    pub(crate) moves: Option<Move>,
    /// Lets decisions be made on events that are gone, to show that this program sees it.
    #[arg(long, requires = "moves")]
    pub(crate) no_history_check: bool,
    /// Lets workers that lost a lane write all the same, to show that this program sees it.
    #[arg(long)]
    pub(crate) no_fence: bool,

    /// What a child process does.
    #[arg(long, value_enum, hide = true)]
    pub(crate) role: Option<Role>,
    /// Where a child finds the database.
    #[arg(long, hide = true)]
    pub(crate) place: Option<String>,
    /// Where a dispatcher writes down what was acknowledged.
    #[arg(long, hide = true)]
    pub(crate) folder: Option<PathBuf>,
    /// Which of its kind a child is.
    #[arg(long, hide = true, default_value_t = 0)]
    pub(crate) nth: u64,
}

impl Args {
    /// What the backend of the child processes does not look at.
    pub(crate) fn omission(&self) -> Option<Omission> {
        let history = self.no_history_check.then_some(Omission::History);
        history.or(self.no_fence.then_some(Omission::Fence))
    }
}

/// The backends that processes can share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Postgres,
    Sqlite,
}

/// How a database comes to be an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Move {
    /// A copy takes its place.
    Restore,
    /// A replica takes over that may lack the last writes.
    Failover,
    /// A replica takes over that has all that was acknowledged.
    SynchronousFailover,
}

/// The parts that child processes play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    Worker,
    Dispatcher,
}
