//! Child processes: starting, stopping, killing.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::args::{Args, Backend, Role};
use crate::database::Database;
use crate::dying;
use crate::giving_up::HURRY;
use crate::worker::STOP_WITHIN;

/// How long a process may take to stop: a second more than its handlers for what it gives back, and the rest for a busy
/// machine.
const STOPS_WITHIN: Duration = STOP_WITHIN.saturating_add(Duration::from_secs(4));

/// A part that is always played: whoever plays it is replaced as soon as it is killed.
#[derive(Debug)]
pub(crate) struct Part {
    command: Command,
    child: Child,
    log: PathBuf,
    /// By when it has to have stopped, if it was asked to.
    stops_by: Option<Instant>,
}

/// How a process came to its end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Nobody had asked for it.
    Unasked,
    /// It was asked to stop, and had to be killed.
    Late,
}

impl Part {
    /// Starts a process for it.
    pub(crate) fn start(
        role: Role,
        nth: u64,
        args: &Args,
        database: &Database,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{}-{nth}.log", role_name(role)));
        let said = OpenOptions::new().create(true).append(true).open(&log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["--role", role_name(role)])
            .args(["--backend", backend_name(args.backend)])
            .args(["--rate", &args.rate.to_string()])
            .args(["--nth", &nth.to_string()])
            .args(["--place", &database.place()])
            .arg("--folder")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said);
        if args.tables {
            command
                .arg("--tables")
                .args(["--events", &args.events.to_string()]);
        }
        if args.behind {
            command.arg("--behind");
        }
        if args.rebuild {
            command.arg("--rebuild");
        }
        command.args(moves(args));
        if args.no_fence {
            command.arg("--no-fence");
        }
        if args.no_history_check {
            command.arg("--no-history-check");
        }
        let child = command.spawn()?;
        Ok(Self {
            command,
            child,
            log,
            stops_by: None,
        })
    }

    /// `kill -9`, and the next process takes its place.
    pub(crate) fn replace(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.start_anew()
    }

    fn start_anew(&mut self) -> anyhow::Result<()> {
        self.child = self.command.spawn()?;
        self.stops_by = None;
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Halts the process until it is told to go on, or killed. That takes no time for it.
    pub(crate) fn halt(&mut self, pause: Duration) {
        self.signal(Signal::STOP);
        self.stops_by = self.stops_by.map(|by| by + pause);
    }

    /// Asks the process to stop, and has the next one take its place.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.stops_by = Some(Instant::now() + STOPS_WITHIN);
    }

    /// Makes the process give a call up.
    pub(crate) fn hurry(&self) {
        self.signal(HURRY);
    }

    /// Lets a halted process go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Has the process end in the middle of a call.
    pub(crate) fn strike(&self) {
        self.signal(dying::STRIKE);
    }

    /// A process that was struck, one that was asked to stop, and one that has ended by itself, which none should, are
    /// replaced, too. Gives what was wrong about it.
    pub(crate) fn mend(&mut self) -> anyhow::Result<Option<End>> {
        let Some(status) = self.child.try_wait()? else {
            return self.lose_patience();
        };
        let is_expected = match self.stops_by {
            Some(_) => status.success() || was_signalled(status),
            None => was_signalled(status),
        };
        if !is_expected {
            self.tell("a process ended by itself");
        }
        self.start_anew()?;
        Ok((!is_expected).then_some(End::Unasked))
    }

    fn lose_patience(&mut self) -> anyhow::Result<Option<End>> {
        if self.stops_by.is_none_or(|by| Instant::now() < by) {
            return Ok(None);
        }
        self.tell("a process has not stopped in time");
        self.replace()?;
        Ok(Some(End::Late))
    }

    fn tell(&self, what: &str) {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().rev().take(5).collect();
        eprintln!("{what}: {lines:?}");
    }

    fn signal(&self, signal: Signal) {
        // A child that was not waited for keeps its number, so nobody else can be hit.
        _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

/// Whether it has ended as it was told to; one that was not listening yet is ended by what it was told itself.
fn was_signalled(status: ExitStatus) -> bool {
    let ends = [dying::STRIKE, dying::END, HURRY, Signal::TERM].map(Signal::as_raw);
    status.signal().is_some_and(|signal| ends.contains(&signal))
}

impl Drop for Part {
    fn drop(&mut self) {
        _ = self.kill();
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Worker => "worker",
        Role::Dispatcher => "dispatcher",
    }
}

/// What is left out of history checks is only allowed where there are moves.
fn moves(args: &Args) -> Vec<String> {
    let moves = args.moves.and_then(|moves| moves.to_possible_value());
    let name = moves.map(|value| value.get_name().to_owned());
    name.map_or_else(Vec::new, |name| vec!["--moves".to_owned(), name])
}

fn backend_name(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => "postgres",
        Backend::Sqlite => "sqlite",
    }
}
