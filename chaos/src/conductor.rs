//! Starts everything, breaks it, lets it come to rest, and counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use sourced::backend::{BackendError, ResetFrom, ResetScope};
use sourced::{App, GroupId, StreamId};
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::args::{Args, Move, Role};
use crate::domain::BOOKS;
use crate::losses::{Losses, Moment};
use crate::recorder;
use crate::report::Report;
use crate::site::{Place, Server, Site, Spell};
use crate::small_disk::SmallDisk;
use crate::troupe::Troupe;
use crate::verify::verify;
use crate::worker::LEASE;

/// Processes that handle messages.
pub(crate) const WORKERS: u64 = 4;
/// Processes that store commands.
pub(crate) const DISPATCHERS: u64 = 2;
/// How long everything may take to come to rest after the last fault.
pub(crate) const REST: Duration = Duration::from_mins(3);

/// How many of the faults move the database, where it is moved.
const MOVES: f64 = 0.25;

/// Plays the whole piece.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let place = args.small_disk.as_deref().unwrap_or(folder.path());
    let site = Site::found(args, place).await?;
    let database = site.database();
    database.prepare().await?;
    // The first to open it sets it up.
    let app = database.open(None).await?;
    let mut stage = Stage::set(args, &app, folder.path(), site)?;
    let faults = stage.break_things(args).await?;
    stage.calm_down().await?;
    let is_quiet = rest(&app).await;
    if !is_quiet {
        eprintln!("it did not come to rest within {} s", REST.as_secs());
        keep_logs(folder.path());
    }
    stage.troupe.dismiss(Role::Worker);
    let n_ended = stage.troupe.n_ended;
    if n_ended > 0 {
        eprintln!("{n_ended} processes ended by themselves, which none should");
    }
    let mut report = Report {
        faults,
        late: stage.troupe.n_late,
        ..Report::default()
    };
    let losses = &stage.losses;
    verify(&app, &database, folder.path(), losses, &mut report).await?;
    if !report.is_clean() || n_ended > 0 {
        keep_logs(folder.path());
    }
    println_report(&report)?;
    Ok(if report.is_clean() && is_quiet && n_ended == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
pub(crate) fn println_report(report: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}

/// Waits until no message waits for anybody, nor for its time.
pub(crate) async fn rest(app: &App) -> bool {
    let started = Instant::now();
    while started.elapsed() < REST {
        let left = REST.saturating_sub(started.elapsed());
        match tokio::time::timeout(left, app.idle()).await {
            Err(_) => return false,
            Ok(Err(error)) => eprintln!("cannot look: {error}"),
            Ok(Ok(_)) => {
                let scheduled = app.backend().scheduled(None, 1).await;
                // What was promoted after looking at the lanes is in one of them now.
                if scheduled.is_ok_and(|scheduled| scheduled.is_empty()) && app.idle().await.is_ok()
                {
                    return true;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// What an operator does may hit a database that is away: nothing happened then.
pub(crate) fn tell(what: &str, result: Result<(), BackendError>) {
    if let Err(error) = result {
        eprintln!("cannot {what}: {error}");
    }
}

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillWorker,
    KillDispatcher,
    /// A process ends at some poll of some call.
    EndInCall,
    /// A call is dropped at some poll.
    GiveUp,
    /// A process is asked to stop, and has to do so in time.
    StopWorker,
    HaltWorker,
    HaltDispatcher,
    CutConnections,
    KillPostgres,
    /// All that a group has handled is delivered again, of one stream or of all.
    ResetGroup,
    /// A group gives a type up, or takes it up again.
    ChangeTypes,
    /// The database stands still for a while, or takes no writes.
    Spell(Spell),
    /// A copy of the database is kept.
    Copy,
    /// The copy takes the place of the database.
    Restore,
    /// The replica takes over.
    FailOver,
    /// There is no Postgres for a while.
    Outage,
    /// There is no space left for a while.
    FillDisk,
}

/// What is broken, and by whom it is played.
struct Stage {
    troupe: Troupe,
    small_disk: Option<SmallDisk>,
    site: Site,
    moves: Option<Move>,
    /// Where the dispatchers write down what was acknowledged.
    folder: PathBuf,
    /// When the copy was made, if there is one.
    copied: Option<Moment>,
    losses: Losses,
    /// For what an operator does.
    app: App,
    /// What operators are at. It may wait for a process that is halted, and that nobody else would wake.
    errands: JoinSet<()>,
    random: StdRng,
}

impl Stage {
    fn set(args: &Args, app: &App, folder: &Path, site: Site) -> anyhow::Result<Self> {
        Ok(Self {
            troupe: Troupe::start(args, &site.database(), folder)?,
            small_disk: args.small_disk.as_deref().map(SmallDisk::new),
            site,
            moves: args.moves,
            folder: folder.to_owned(),
            copied: None,
            losses: Losses::default(),
            app: app.clone(),
            errands: JoinSet::new(),
            random: StdRng::seed_from_u64(args.seed),
        })
    }

    /// Injects faults until the time is up. Gives how many.
    async fn break_things(&mut self, args: &Args) -> anyhow::Result<u64> {
        let mut counts: BTreeMap<Fault, u64> = BTreeMap::new();
        let started = Instant::now();
        let mean = 1.0 / args.faults_per_second;
        let mut next = started;
        let length = Duration::from_secs(args.seconds);
        let mut outage = Some(Duration::from_secs(args.outage)).filter(|outage| !outage.is_zero());
        while started.elapsed() < length {
            if started.elapsed() > length / 2
                && let Some(outage) = outage.take()
            {
                self.stop_postgres(outage).await?;
                *counts.entry(Fault::Outage).or_default() += 1;
                next = Instant::now();
            }
            next += Duration::from_secs_f64(mean * self.random.random_range(0.5..1.5));
            while Instant::now() < next {
                self.troupe.wake_halted(false);
                self.troupe.mend()?;
                self.free_disk()?;
                self.site.look(Instant::now()).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let fault = self.draw();
            self.inject(fault).await?;
            *counts.entry(fault).or_default() += 1;
        }
        for (fault, count) in &counts {
            eprintln!("{count:>5} {fault:?}");
        }
        Ok(counts.values().sum())
    }

    fn draw(&mut self) -> Fault {
        if let Some(moves) = self.moves
            && self.random.random_bool(MOVES)
        {
            return match (moves, &self.copied) {
                (Move::Restore, None) => Fault::Copy,
                (Move::Restore, Some(_)) => Fault::Restore,
                (Move::Failover | Move::SynchronousFailover, _) => Fault::FailOver,
            };
        }
        let on_postgres = matches!(self.site.place, Place::Server(_));
        match self.random.random_range(0..100) {
            8..26 => Fault::EndInCall,
            26..36 => Fault::GiveUp,
            36..48 => Fault::KillDispatcher,
            48..62 => Fault::HaltWorker,
            62..66 => Fault::HaltDispatcher,
            66..70 => Fault::StopWorker,
            70..76 => Fault::ResetGroup,
            76..82 => Fault::ChangeTypes,
            82..85 => Fault::Spell(Spell::StandsStill),
            85..88 => Fault::Spell(Spell::TakesNoWrites),
            88..97 if on_postgres => Fault::CutConnections,
            97..100 if on_postgres => Fault::KillPostgres,
            88..100 if self.small_disk.is_some() => Fault::FillDisk,
            _ => Fault::KillWorker,
        }
    }

    async fn inject(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::KillWorker => self.kill(Role::Worker)?,
            Fault::KillDispatcher => self.kill(Role::Dispatcher)?,
            Fault::EndInCall => {
                let (role, nth) = self.anybody();
                self.troupe.strike(role, nth);
            }
            Fault::GiveUp => {
                let (role, nth) = self.anybody();
                self.troupe.hurry(role, nth);
            }
            Fault::StopWorker => {
                let nth = self.troupe.draw(Role::Worker, &mut self.random);
                self.troupe.stop(Role::Worker, nth);
            }
            Fault::Spell(spell) => {
                // One that is halted may hold what a stranger waits for.
                self.troupe.wake_halted(true);
                let length = Duration::from_millis(self.random.random_range(500..6_000));
                self.site.cast(spell, Instant::now() + length).await?;
            }
            Fault::Copy => {
                self.troupe.wake_halted(true);
                self.copied = Some(Moment::now(&self.folder)?);
                self.site.copy().await?;
            }
            Fault::Restore => self.restore().await?,
            Fault::FailOver => self.fail_over().await?,
            Fault::HaltWorker => {
                let nth = self.troupe.draw(Role::Worker, &mut self.random);
                let pause = LEASE.mul_f64(self.random.random_range(1.1..2.2));
                self.troupe.halt(Role::Worker, nth, pause);
            }
            Fault::HaltDispatcher => {
                let nth = self.troupe.draw(Role::Dispatcher, &mut self.random);
                let pause = Duration::from_millis(self.random.random_range(100..1500));
                self.troupe.halt(Role::Dispatcher, nth, pause);
            }
            Fault::CutConnections => {
                let share = self.random.random_range(0.1..1.0);
                if let Some(server) = self.site.server().await? {
                    cut_connections(server.own_url(), share).await;
                }
            }
            Fault::KillPostgres => {
                let server = self.server().await?;
                server.kill();
                server.restart();
            }
            Fault::FillDisk => {
                let pause = Duration::from_millis(self.random.random_range(300..2_500));
                let disk = self.small_disk.as_mut().context("only with a small disk")?;
                disk.fill(Instant::now() + pause)?;
            }
            Fault::Outage => unreachable!("it is not drawn: it comes once"),
            Fault::ResetGroup => {
                let groups = [recorder::GROUP, "account", "book", "tally"];
                let group = GroupId::new(groups[self.random.random_range(0..groups.len())])?;
                let scope = if self.random.random_bool(0.5) {
                    ResetScope::All
                } else {
                    let nth = self.random.random_range(0..BOOKS);
                    ResetScope::Stream(StreamId::new(format!("book-{nth}"))?)
                };
                let from = ResetFrom::Beginning;
                let app = self.app.clone();
                self.errands.spawn(async move {
                    let reset = app.backend().reset_group(&group, &scope, from).await;
                    tell("reset a group", reset);
                });
            }
            Fault::ChangeTypes => {
                let group = match self.random.random_range(0..3) {
                    0 => recorder::group(true, false)?,
                    1 => recorder::group(false, true)?,
                    _ => recorder::group(true, true)?,
                };
                let app = self.app.clone();
                self.errands.spawn(async move {
                    let changed = app.backend().register_group(&group).await;
                    tell("change the types", changed);
                });
            }
        }
        Ok(())
    }

    /// There is no Postgres for a while, in which all that runs has to hold out.
    async fn stop_postgres(&mut self, outage: Duration) -> anyhow::Result<()> {
        self.server().await?.kill();
        let over = Instant::now() + outage;
        while Instant::now() < over {
            self.troupe.wake_halted(false);
            self.troupe.mend()?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.server().await?.restart();
        Ok(())
    }

    async fn server(&mut self) -> anyhow::Result<&mut Server> {
        let server = self.site.server().await?;
        server.context("there is no server")
    }

    /// The copy takes the place of the database, while everybody is at work or after all were ended.
    async fn restore(&mut self) -> anyhow::Result<()> {
        let copied = self.copied.take().context("there is no copy")?;
        let roles = [Role::Worker, Role::Dispatcher];
        let are_ended = self.random.random_bool(0.25);
        for role in roles.into_iter().filter(|_| are_ended) {
            self.troupe.kill_all(role)?;
        }
        self.site.restore().await?;
        self.losses.add(&copied, &Moment::now(&self.folder)?);
        for role in roles.into_iter().filter(|_| are_ended) {
            self.troupe.replace_all(role)?;
        }
        Ok(())
    }

    /// The replica takes over after it was cut off for a moment, which a synchronous one loses nothing by.
    async fn fail_over(&mut self) -> anyhow::Result<()> {
        let lag = Duration::from_millis(self.random.random_range(0..1_000));
        if self.moves == Some(Move::SynchronousFailover) {
            return self.server().await?.fail_over(lag).await;
        }
        let since = Moment::now(&self.folder)?;
        let server = self.server().await?;
        server.has_followed().await?;
        server.fail_over(lag).await?;
        self.losses.add(&since, &Moment::now(&self.folder)?);
        Ok(())
    }

    fn anybody(&mut self) -> (Role, usize) {
        let roles = [Role::Worker, Role::Worker, Role::Dispatcher];
        let role = roles[self.random.random_range(0..roles.len())];
        (role, self.troupe.draw(role, &mut self.random))
    }

    fn free_disk(&mut self) -> anyhow::Result<()> {
        match &mut self.small_disk {
            Some(disk) => disk.free(Instant::now()),
            None => Ok(()),
        }
    }

    fn kill(&mut self, role: Role) -> anyhow::Result<()> {
        let nth = self.troupe.draw(role, &mut self.random);
        self.troupe.replace(role, nth)
    }

    /// No more faults and no more commands.
    async fn calm_down(&mut self) -> anyhow::Result<()> {
        self.troupe.wake_halted(true);
        self.small_disk = None;
        self.site.end_spell().await?;
        while self.errands.join_next().await.is_some() {}
        let all = recorder::group(true, true)?;
        while let Err(error) = self.app.backend().register_group(&all).await {
            eprintln!("cannot register: {error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.troupe.dismiss(Role::Dispatcher);
        Ok(())
    }
}

/// Ends a share of the server's connections.
pub(crate) async fn cut_connections(url: &str, share: f64) {
    let cut = async {
        let pool = PgPool::connect(url).await?;
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND random() < $1",
        )
        .bind(share)
        .execute(&pool)
        .await?;
        pool.close().await;
        Ok::<(), sqlx::Error>(())
    };
    if let Err(error) = cut.await {
        eprintln!("cannot cut connections: {error}");
    }
}

/// Keeps what the processes said, for a person to read.
pub(crate) fn keep_logs(folder: &Path) {
    let kept = std::env::temp_dir().join(format!("chaos-{}", std::process::id()));
    _ = std::fs::create_dir_all(&kept);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        _ = std::fs::copy(entry.path(), kept.join(entry.file_name()));
    }
    eprintln!("what the processes said is in {}", kept.display());
}
