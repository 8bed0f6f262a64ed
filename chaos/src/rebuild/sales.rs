//! Commands at a steady rate, and which of them were acknowledged.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use sourced::prelude::*;
use sourced::{App, MessageId};
use tokio::time::MissedTickBehavior;

use super::domain::{STALLS, Sell, TILLS};
use crate::args::Args;
use crate::conductor::DISPATCHERS;
use crate::dispatcher::{acknowledged, id, path};

/// Tasks of one process, each with numbers of its own.
const TASKS: u64 = 16;
/// Tasks of all processes.
pub(super) const LANES: u64 = TASKS * DISPATCHERS;

/// Sells until it is killed.
pub(super) async fn run(app: &App, args: &Args) -> anyhow::Result<()> {
    let folder = args
        .folder
        .clone()
        .context("whoever sells needs a folder")?;
    let pause = Duration::from_secs(1) * u32::try_from(LANES)? / args.rate.max(1);
    let tasks = (0..TASKS).map(|task| {
        let lane = args.nth * TASKS + task;
        let (app, folder) = (app.clone(), folder.clone());
        tokio::spawn(async move { Journal::open(&folder, lane)?.sell(&app, pause).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    Ok(())
}

struct Journal {
    lane: u64,
    next: u64,
    file: File,
}

impl Journal {
    fn open(folder: &Path, lane: u64) -> anyhow::Result<Self> {
        let path = path(folder, lane);
        let next = acknowledged(&path)?;
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { lane, next, file })
    }

    async fn sell(mut self, app: &App, pause: Duration) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(pause);
        // So that a moment in which nothing goes on does not lower the rate.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            ticks.tick().await;
            while let Err(error) = self.store(app).await {
                eprintln!("task {}: {error:#}", self.lane);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            writeln!(self.file, "{}", self.next)?;
            self.next += 1;
        }
    }

    /// Every fourth command goes through a unit, which changes the table as well.
    async fn store(&self, app: &App) -> anyhow::Result<()> {
        let number = self.next * LANES + self.lane;
        // Each stall comes to all tills.
        let command = sell(number).to(till((number / STALLS + number) % TILLS));
        let command = command.with_id(command_id(self.lane, self.next));
        if self.next.is_multiple_of(4) {
            app.unit().handle(command).await?;
        } else {
            app.dispatch(command).await?;
        }
        Ok(())
    }
}

/// What the command of this number says.
fn sell(number: u64) -> Sell {
    Sell {
        stall: number % STALLS,
        cents: number % 97 + 1,
    }
}

/// The stream of a till.
pub(super) fn till(nth: u64) -> String {
    format!("till-{nth}")
}

/// How many commands were acknowledged in all.
pub(super) fn acknowledged_in(folder: &Path) -> anyhow::Result<u64> {
    (0..LANES)
        .map(|lane| acknowledged(&path(folder, lane)))
        .sum()
}

pub(super) fn command_id(lane: u64, nth: u64) -> MessageId {
    id(lane, nth)
}
