//! Measures each workload beside its floor: the least SQL that does the same job, by hand, in the same run.
//!
//! ```sh
//! cargo run --release -p benches -- --quick --backend sqlite,memory
//! scripts/postgres.sh cargo run --release -p benches -- --only a,b > lines.jsonl
//! cargo run --release -p benches -- table < lines.jsonl
//! ```
//!
//! Every measurement runs in a process of its own, so that its peak of memory is its own, and on a database of its own.
//! The two contenders take turns. What counts is their ratio: the machine may be doing other things.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement reads the real clock, prints what it found, and its numbers are small"
)]

mod claims;
mod domain;
mod floor;
mod measure;
mod ours;
mod plan;
mod process;
mod storage;
mod table;

use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};

use crate::measure::Line;
use crate::plan::{Case, Workload};
use crate::storage::{Storage, server};

#[derive(Parser)]
#[command(about, args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Mode>,
    /// Tiny sizes: whether everything runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// Only these workloads, by their letters.
    #[arg(long, value_delimiter = ',', value_name = "LETTER")]
    only: Vec<char>,
    /// Of these, only those whose name and size have this text in them, such as `table messages=100000`.
    #[arg(long, value_name = "TEXT")]
    matching: Option<String>,
    /// Only these backends: postgres, sqlite (which is both of sqlite-full and sqlite-normal), memory. Postgres is the
    /// server of `SOURCED_TEST_POSTGRES_URL`, or one that is started now and does not wait for the disk.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    backend: Vec<String>,
    /// How often the contenders take turns; 1 with `--quick`, else 3.
    #[arg(long)]
    rounds: Option<usize>,
}

#[derive(Subcommand)]
enum Mode {
    /// Turns the lines of measurements on the standard input into a table in Markdown.
    Table,
    /// Runs one measurement in this process.
    #[command(hide = true)]
    Case {
        /// The case in JSON.
        case: String,
    },
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match &args.command {
        Some(Mode::Table) => {
            let lines = std::io::stdin()
                .lines()
                .map(|line| anyhow::Ok(serde_json::from_str(&line?)?));
            let lines: Vec<Line> = lines.collect::<Result<_, _>>()?;
            print!("{}", table::markdown(&lines));
            Ok(())
        }
        Some(Mode::Case { case }) => {
            for line in measure::run(&serde_json::from_str(case)?)? {
                println!("{}", serde_json::to_string(&line)?);
            }
            Ok(())
        }
        None => run_all(&args),
    }
}

fn run_all(args: &Args) -> anyhow::Result<()> {
    let (workloads, rounds) = if args.quick {
        (plan::quick(), 1)
    } else {
        (plan::full(), 3)
    };
    for letter in &args.only {
        let known = workloads
            .iter()
            .any(|workload| workload.letter() == *letter);
        ensure!(known, "there is no workload `{letter}`: they are a to g");
    }
    let storages = storages(&args.backend)?;
    let server = storages.contains(&Storage::Postgres).then(server);
    let is_wanted = |workload: &&Workload| {
        let told = format!("{} {}", workload.name(), workload.params());
        let has_text = |text: &String| told.contains(text.as_str());
        (args.only.is_empty() || args.only.contains(&workload.letter()))
            && args.matching.as_ref().is_none_or(has_text)
    };
    for workload in workloads.iter().filter(is_wanted) {
        for storage in storages
            .iter()
            .filter(|storage| workload.runs_on(**storage))
        {
            for round in 0..args.rounds.unwrap_or(rounds) {
                let mut contenders = workload.contenders(*storage);
                if round % 2 == 1 {
                    contenders.reverse();
                }
                for contender in contenders {
                    let case = Case {
                        workload: workload.clone(),
                        storage: *storage,
                        contender,
                    };
                    run_apart(&case, server.as_deref())?;
                }
            }
        }
    }
    Ok(())
}

fn storages(names: &[String]) -> anyhow::Result<Vec<Storage>> {
    if names.is_empty() {
        return Ok(Storage::ALL.to_vec());
    }
    let mut chosen = Vec::new();
    for name in names {
        let before = chosen.len();
        let is_meant = |storage: &Storage| {
            storage.name() == name || storage.name().split('-').next() == Some(name)
        };
        chosen.extend(Storage::ALL.into_iter().filter(is_meant));
        ensure!(
            chosen.len() > before,
            "there is no backend `{name}`: they are postgres, sqlite, sqlite-full, sqlite-normal, memory"
        );
    }
    Ok(chosen)
}

/// Runs one case in a process of its own, which prints its line.
fn run_apart(case: &Case, server: Option<&str>) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("case")
        .arg(serde_json::to_string(case)?)
        .stdin(Stdio::null());
    if let Some(url) = server {
        command.env(storage::SERVER, url);
    }
    let status = command
        .status()
        .context("this program cannot be started again")?;
    ensure!(status.success(), "the case failed: {case:?}");
    Ok(())
}
