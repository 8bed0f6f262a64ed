//! A process that stores commands, and writes down which of them were acknowledged.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use sourced::prelude::*;
use sourced::{App, MessageId};
use uuid::Uuid;

use crate::args::Args;
use crate::database::Database;
use crate::domain::{ACCOUNTS, Account, Deposit};
use crate::giving_up::unless_given_up;

/// Tasks of one dispatcher, each with numbers of its own.
pub(crate) const TASKS: u64 = 4;

/// Dispatches until it is killed.
pub(crate) async fn run(database: &Database, args: &Args) -> anyhow::Result<ExitCode> {
    let folder = args.folder.clone().context("a dispatcher needs a folder")?;
    let app = database.patiently_opened(args.omission()).await;
    let n_tasks = u32::try_from(TASKS * crate::conductor::DISPATCHERS)?;
    let pause = Duration::from_secs(1) * n_tasks / args.rate.max(1);
    let tasks = (0..TASKS).map(|task| {
        let lane = args.nth * TASKS + task;
        let (app, folder) = (app.clone(), folder.clone());
        tokio::spawn(async move { Journal::open(&folder, lane)?.dispatch(&app, pause).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    Ok(ExitCode::SUCCESS)
}

/// What one task dispatched, and knows to be stored.
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

    async fn dispatch(mut self, app: &App, pause: Duration) -> anyhow::Result<()> {
        loop {
            // The same number until it is acknowledged, also by the process after this one.
            loop {
                match unless_given_up(self.store(app)).await {
                    Some(Ok(())) => break,
                    Some(Err(error)) => eprintln!("dispatcher {}: {error:#}", self.lane),
                    None => eprintln!("dispatcher {}: gave up", self.lane),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            writeln!(self.file, "{}", self.next)?;
            self.next += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Every third command is a visit, which is decided here, and every third one goes through a unit; the others are left to
    /// the workers.
    async fn store(&self, app: &App) -> anyhow::Result<()> {
        let number = number(self.lane, self.next);
        let account = format!("account-{}", number % ACCOUNTS);
        if is_visit(self.next) {
            app.actor::<Account>(account).visit(number).await?;
            return Ok(());
        }
        let command = Deposit { number }.to(account);
        let command = command.with_id(id(self.lane, self.next));
        if self.next.is_multiple_of(3) && !crate::domain::is_unwelcome(number) {
            app.unit().handle(command).await?;
        } else {
            app.dispatch(command).await?;
        }
        Ok(())
    }
}

/// Whether a task visits an account then. A visit has no id that a task could know: it may be there twice, when nobody could
/// tell whether it was stored.
pub(crate) fn is_visit(nth: u64) -> bool {
    nth % 3 == 1
}

/// The number of a deposit or a visit; no two are the same.
pub(crate) fn number(lane: u64, nth: u64) -> u64 {
    lane + nth * TASKS * crate::conductor::DISPATCHERS
}

/// The id of a command: the same whenever it is tried again.
pub(crate) fn id(lane: u64, nth: u64) -> MessageId {
    MessageId::from_uuid(Uuid::from_u64_pair(0xc4a0_5000_0000_8000 | lane, nth))
}

/// Where a task writes down what was acknowledged.
pub(crate) fn path(folder: &Path, lane: u64) -> PathBuf {
    folder.join(format!("acknowledged-{lane}"))
}

/// How many commands of a task were acknowledged: its numbers are dense.
pub(crate) fn acknowledged(path: &Path) -> anyhow::Result<u64> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.matches('\n').count() as u64),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}
