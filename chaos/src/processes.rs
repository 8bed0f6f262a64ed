//! Child processes: starting, stopping, killing.

use std::fs::OpenOptions;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::args::{Args, Backend, Role};
use crate::database::Database;
use crate::dying;

/// A part that is always played: whoever plays it is replaced as soon as it is killed.
#[derive(Debug)]
pub(crate) struct Part {
    command: Command,
    child: Child,
    log: PathBuf,
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
        if args.no_fence {
            command.arg("--no-fence");
        }
        let child = command.spawn()?;
        Ok(Self {
            command,
            child,
            log,
        })
    }

    /// `kill -9`, and the next process takes its place.
    pub(crate) fn replace(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        self.child = self.command.spawn()?;
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Halts the process until it is told to go on, or killed.
    pub(crate) fn halt(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a halted process go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Has the process end in the middle of a call.
    pub(crate) fn strike(&self) {
        self.signal(dying::STRIKE);
    }

    /// A process that was struck, and one that has ended by itself, which none should, are replaced, too. Gives whether it
    /// had ended by itself.
    pub(crate) fn mend(&mut self) -> anyhow::Result<bool> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(false);
        };
        // One that was not listening yet is ended by the strike itself.
        let ends = [dying::STRIKE, dying::END].map(Signal::as_raw);
        let was_struck = status.signal().is_some_and(|signal| ends.contains(&signal));
        if !was_struck {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = said.lines().rev().take(5).collect();
            eprintln!("a process ended by itself: {lines:?}");
        }
        self.child = self.command.spawn()?;
        Ok(!was_struck)
    }

    fn signal(&self, signal: Signal) {
        // A child that was not waited for keeps its number, so nobody else can be hit.
        _ = kill_process(Pid::from_child(&self.child), signal);
    }
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

fn backend_name(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => "postgres",
        Backend::Sqlite => "sqlite",
    }
}
