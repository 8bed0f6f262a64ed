//! All parts, and who plays them.

use std::path::Path;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::args::{Args, Role};
use crate::conductor::{DISPATCHERS, WORKERS};
use crate::database::Database;
use crate::processes::{End, Part};

/// The child processes.
pub(crate) struct Troupe {
    workers: Vec<Part>,
    dispatchers: Vec<Part>,
    halted: Vec<(Instant, Role, usize)>,
    /// Processes that ended by themselves.
    pub(crate) n_ended: u64,
    /// Processes that did not stop in time.
    pub(crate) n_late: u64,
}

impl Troupe {
    pub(crate) fn start(args: &Args, database: &Database, folder: &Path) -> anyhow::Result<Self> {
        let mut troupe = Self::of_dispatchers(args, database, folder)?;
        troupe.hire_workers(args, database, folder)?;
        Ok(troupe)
    }

    pub(crate) fn of_dispatchers(
        args: &Args,
        database: &Database,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let start = |nth| Part::start(Role::Dispatcher, nth, args, database, folder);
        Ok(Self {
            workers: Vec::new(),
            dispatchers: (0..DISPATCHERS).map(start).collect::<Result<_, _>>()?,
            halted: Vec::new(),
            n_ended: 0,
            n_late: 0,
        })
    }

    pub(crate) fn hire_workers(
        &mut self,
        args: &Args,
        database: &Database,
        folder: &Path,
    ) -> anyhow::Result<()> {
        let start = |nth| Part::start(Role::Worker, nth, args, database, folder);
        self.workers = (0..WORKERS).map(start).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// One of this role.
    pub(crate) fn draw(&self, role: Role, random: &mut StdRng) -> usize {
        random.random_range(0..self.parts(role).len())
    }

    /// `kill -9`, and the next process takes its place.
    pub(crate) fn replace(&mut self, role: Role, nth: usize) -> anyhow::Result<()> {
        self.forget_halted(role, nth);
        self.parts_mut(role)[nth].replace()
    }

    /// All of this role are killed, and others take their places.
    pub(crate) fn replace_all(&mut self, role: Role) -> anyhow::Result<()> {
        (0..self.parts(role).len()).try_for_each(|nth| self.replace(role, nth))
    }

    /// All of this role are killed; who takes their places comes [later](Self::replace_all).
    pub(crate) fn kill_all(&mut self, role: Role) -> anyhow::Result<()> {
        self.parts_mut(role).iter_mut().try_for_each(Part::kill)
    }

    /// Asks a process to stop, which is replaced then.
    pub(crate) fn stop(&mut self, role: Role, nth: usize) {
        self.forget_halted(role, nth);
        let part = &mut self.parts_mut(role)[nth];
        part.go_on();
        part.stop();
    }

    /// Makes a process give a call up.
    pub(crate) fn hurry(&self, role: Role, nth: usize) {
        self.parts(role)[nth].hurry();
    }

    fn forget_halted(&mut self, role: Role, nth: usize) {
        self.halted
            .retain(|halted| (halted.1, halted.2) != (role, nth));
    }

    /// Has a process end in the middle of a call.
    pub(crate) fn strike(&self, role: Role, nth: usize) {
        self.parts(role)[nth].strike();
    }

    /// Halts a process for so long.
    pub(crate) fn halt(&mut self, role: Role, nth: usize, pause: Duration) {
        self.parts_mut(role)[nth].halt(pause);
        self.halted.push((Instant::now() + pause, role, nth));
    }

    /// Lets those go on whose time has come, or all of them.
    pub(crate) fn wake_halted(&mut self, all: bool) {
        let now = Instant::now();
        let (over, halted) = std::mem::take(&mut self.halted)
            .into_iter()
            .partition(|(until, ..)| all || *until <= now);
        self.halted = halted;
        let over: Vec<_> = over;
        for (_, role, nth) in over {
            self.parts(role)[nth].go_on();
        }
    }

    /// No process should end by itself.
    pub(crate) fn mend(&mut self) -> anyhow::Result<()> {
        for part in self.workers.iter_mut().chain(&mut self.dispatchers) {
            match part.mend()? {
                None => {}
                Some(End::Unasked) => self.n_ended += 1,
                Some(End::Late) => self.n_late += 1,
            }
        }
        Ok(())
    }

    /// Kills all of this role for good.
    pub(crate) fn dismiss(&mut self, role: Role) {
        self.parts_mut(role).clear();
    }

    fn parts(&self, role: Role) -> &[Part] {
        match role {
            Role::Worker => &self.workers,
            Role::Dispatcher => &self.dispatchers,
        }
    }

    fn parts_mut(&mut self, role: Role) -> &mut Vec<Part> {
        match role {
            Role::Worker => &mut self.workers,
            Role::Dispatcher => &mut self.dispatchers,
        }
    }
}
