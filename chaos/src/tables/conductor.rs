//! Starts everything, breaks it until the tables are filled, lets it come to rest, and compares.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sourced::{App, GroupId};
use sourced_testing::postgres::ThrowawayPostgres;
use tokio::task::JoinSet;

use super::dispatcher::are_all_acknowledged;
use super::domain::{CustomerTotal, OpenOrder, StreamTotal};
use super::verify::{Report, verify};
use crate::args::{Args, Backend, Role};
use crate::conductor::{REST, WORKERS, cut_connections, keep_logs, println_report, rest, tell};
use crate::database::Database;
use crate::small_disk::SmallDisk;
use crate::troupe::Troupe;
use crate::worker::LEASE;

/// A rebuild takes everything back that was done, so there are few.
const MOST_REBUILDS: u64 = 6;
/// How often it is looked whether all events are in the tables.
const LOOK: Duration = Duration::from_millis(500);

/// Plays the whole piece.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let server = (args.backend == Backend::Postgres).then(ThrowawayPostgres::start);
    let place = args.small_disk.as_deref().unwrap_or(folder.path());
    let database = match &server {
        Some(server) => Database::Postgres(server.url().to_owned()),
        None => Database::Sqlite(place.join("chaos.db")),
    };
    // The first to open it sets it up.
    let app = super::open(&database, false).await?;
    let mut stage = Stage {
        troupe: Troupe::of_dispatchers(args, &database, folder.path())?,
        small_disk: args.small_disk.as_deref().map(SmallDisk::new),
        server,
        app: app.clone(),
        errands: JoinSet::new(),
        n_rebuilds: 0,
        random: StdRng::seed_from_u64(args.seed),
    };
    if args.behind {
        stage.wait_for_dispatchers(args, folder.path()).await?;
    }
    let troupe = &mut stage.troupe;
    troupe.hire_workers(args, &database, folder.path())?;
    let started = Instant::now();
    let faults = stage.break_things(args, folder.path()).await?;
    let broken_for = started.elapsed();
    stage.start_once_more(args, folder.path()).await?;
    let is_quiet = rest(&app).await;
    if !is_quiet {
        eprintln!("it did not come to rest within {} s", REST.as_secs());
    }
    let n_ended = stage.troupe.n_ended;
    if n_ended > 0 {
        eprintln!("{n_ended} processes ended by themselves, which none should");
    }
    stage.troupe.dismiss(Role::Worker);
    let mut report = Report {
        faults,
        ..Report::default()
    };
    verify(&app, &database, &mut report).await?;
    eprintln!(
        "things were broken for {:.0} s, and it all took {:.0} s",
        broken_for.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
    if report.events != args.events {
        eprintln!(
            "{} events were stored, and {} are in the log",
            args.events, report.events
        );
    }
    let is_good = report.is_clean() && report.events == args.events && is_quiet && n_ended == 0;
    if !is_good {
        keep_logs(folder.path());
    }
    println_report(&report)?;
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillWorker,
    KillDispatcher,
    /// A process ends at some poll of some call.
    EndInCall,
    HaltWorker,
    /// A table is emptied and filled anew while workers write to it.
    Rebuild,
    CutConnections,
    KillPostgres,
    /// There is no space left for a while.
    FillDisk,
}

/// What is broken, and by whom it is played.
struct Stage {
    troupe: Troupe,
    small_disk: Option<SmallDisk>,
    server: Option<ThrowawayPostgres>,
    /// For what an operator does.
    app: App,
    /// What operators are at. It may wait for a process that is halted, and that nobody else would wake.
    errands: JoinSet<()>,
    n_rebuilds: u64,
    random: StdRng,
}

impl Stage {
    /// Injects faults until all events are in the tables, or the time is up. Gives how many.
    async fn break_things(&mut self, args: &Args, folder: &Path) -> anyhow::Result<u64> {
        let mut counts: BTreeMap<Fault, u64> = BTreeMap::new();
        let started = Instant::now();
        let mean = 1.0 / args.faults_per_second;
        let (mut next, mut look) = (started, started);
        let (mut is_behind, mut n_behind) = (true, 0);
        while started.elapsed() < Duration::from_secs(args.seconds) {
            next += Duration::from_secs_f64(mean * self.random.random_range(0.5..1.5));
            while Instant::now() < next {
                self.troupe.wake_halted(false);
                self.troupe.mend()?;
                if let Some(disk) = &mut self.small_disk {
                    disk.free(Instant::now())?;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if look <= Instant::now() {
                look = Instant::now() + LOOK;
                // Nobody is waited for: the database may be away, or somebody halted with a lock.
                let pending = tokio::time::timeout(LOOK, self.pending()).await;
                is_behind = !matches!(pending, Ok(Some(0)));
                if !is_behind && are_all_acknowledged(folder, args)? {
                    if !args.behind {
                        break;
                    }
                    self.rebuild_all();
                }
            }
            let fault = self.draw();
            self.inject(fault).await?;
            *counts.entry(fault).or_default() += 1;
            n_behind += u64::from(is_behind);
        }
        for (fault, count) in &counts {
            eprintln!("{count:>5} {fault:?}");
        }
        let n_faults = counts.values().sum();
        eprintln!("{n_behind} of {n_faults} faults came while events waited for the tables");
        Ok(n_faults)
    }

    /// How many lanes wait, if the database says.
    async fn pending(&self) -> Option<u64> {
        let groups = self.app.backend().groups().await.ok()?;
        let groups: Vec<GroupId> = groups.into_iter().map(|status| status.id).collect();
        self.app.backend().pending_lanes(&groups).await.ok()
    }

    fn draw(&mut self) -> Fault {
        let on_postgres = self.server.is_some();
        match self.random.random_range(0..100) {
            12..34 => Fault::EndInCall,
            34..44 => Fault::KillDispatcher,
            44..66 => Fault::HaltWorker,
            66..74 if self.n_rebuilds < MOST_REBUILDS => Fault::Rebuild,
            74..90 if on_postgres => Fault::CutConnections,
            90..96 if on_postgres => Fault::KillPostgres,
            74..90 if self.small_disk.is_some() => Fault::FillDisk,
            _ => Fault::KillWorker,
        }
    }

    async fn inject(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::KillWorker => {
                let nth = self.troupe.draw(Role::Worker, &mut self.random);
                self.troupe.replace(Role::Worker, nth)?;
            }
            Fault::KillDispatcher => {
                let nth = self.troupe.draw(Role::Dispatcher, &mut self.random);
                self.troupe.replace(Role::Dispatcher, nth)?;
            }
            Fault::EndInCall => {
                let roles = [Role::Worker, Role::Worker, Role::Dispatcher];
                let role = roles[self.random.random_range(0..roles.len())];
                let nth = self.troupe.draw(role, &mut self.random);
                self.troupe.strike(role, nth);
            }
            Fault::HaltWorker => {
                let nth = self.troupe.draw(Role::Worker, &mut self.random);
                let pause = LEASE.mul_f64(self.random.random_range(1.1..2.2));
                self.troupe.halt(Role::Worker, nth, pause);
            }
            Fault::Rebuild => self.rebuild(),
            Fault::CutConnections => {
                let share = self.random.random_range(0.1..1.0);
                let server = self.server.as_ref().context("only with a server")?;
                cut_connections(server.url(), share).await;
            }
            Fault::KillPostgres => self.kill_postgres(),
            Fault::FillDisk => {
                let pause = Duration::from_millis(self.random.random_range(300..2_500));
                let disk = self.small_disk.as_mut().context("only with a small disk")?;
                disk.fill(Instant::now() + pause)?;
            }
        }
        Ok(())
    }

    fn rebuild(&mut self) {
        self.n_rebuilds += 1;
        let nth = self.random.random_range(0..3);
        self.rebuild_nth(nth);
    }

    /// Unless an operator is at it already.
    fn rebuild_all(&mut self) {
        while self.errands.try_join_next().is_some() {}
        if self.errands.is_empty() {
            (0..3).for_each(|nth| self.rebuild_nth(nth));
        }
    }

    fn rebuild_nth(&mut self, nth: u32) {
        let app = self.app.clone();
        self.errands.spawn(async move {
            let rebuilt = match nth {
                0 => app.group::<StreamTotal>().rebuild().await,
                1 => app.group::<CustomerTotal>().rebuild().await,
                _ => app.group::<OpenOrder>().rebuild().await,
            };
            tell("rebuild a table", rebuilt);
        });
    }

    fn kill_postgres(&self) {
        if let Some(server) = &self.server {
            tokio::task::block_in_place(|| {
                server.kill();
                server.restart();
            });
        }
    }

    /// No more faults: everything is killed and started once more, and the dispatchers finish.
    async fn start_once_more(&mut self, args: &Args, folder: &Path) -> anyhow::Result<()> {
        self.troupe.wake_halted(true);
        self.small_disk = None;
        while self.errands.join_next().await.is_some() {}
        self.kill_postgres();
        for nth in 0..usize::try_from(WORKERS)? {
            self.troupe.replace(Role::Worker, nth)?;
        }
        self.wait_for_dispatchers(args, folder).await?;
        self.troupe.dismiss(Role::Dispatcher);
        Ok(())
    }

    async fn wait_for_dispatchers(&mut self, args: &Args, folder: &Path) -> anyhow::Result<()> {
        let started = Instant::now();
        while !are_all_acknowledged(folder, args)? {
            anyhow::ensure!(
                started.elapsed() < REST,
                "the dispatchers did not finish within {} s",
                REST.as_secs()
            );
            self.troupe.mend()?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}
