//! A new version of a table takes the place of the old one, under traffic.
//!
//! ```text
//! cargo run --release -p chaos -- --rebuild --backend postgres --seed 1 --seconds 60 --rate 500
//! ```
//!
//! A log with some history and its table are made first. Then two processes store commands, and two workers with version 1
//! of the table keep it up to date. After a quarter of the time two workers with version 2 start, fill their table, and
//! swap. From the start to the end four readers query the table all the time. Workers of both versions are killed with
//! SIGKILL at random moments, unless `--faults-per-second 0` is given.
//!
//! A read has **stepped back** when it saw an older version, fewer rows, fewer sales or fewer cents than another read, of
//! whichever reader, that was over before it began; so the table is never empty nor half-built to anybody. In the end the
//! table has to be what a fold of the log comes to.
//!
//! Both versions tell of their rows after the commit, and write down how many sales the stall had. Nothing may be told twice,
//! whichever version does it; what is told is lost when the process is killed in between.
//!
//! The last line is `{"kills":…,"messages":…,"commands_per_second":…,"reads":…,"filled_in_ms":…,"stepped_back":…,
//! "mixed":…,"failed_reads":…,"acked_lost":…,"events_lost":…,"doubled":…,"other_rows":…,
//! "told_by_new":…,"told_again":…}`. The exit status is 0 if version 2 is live before the traffic ends and has told
//! something, and all the others from `stepped_back` on are 0.
//!
//! With `--no-fence` the swap does not look whether anything is missing. That run has to fail.

mod domain;
mod programs;
mod readers;
mod sales;
mod told;
mod verify;

use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;
use sourced::backend::StreamAppend;
use sourced::{
    App, ExpectedSeq, Kind, MessageId, NewMessage, Payload, StreamId, Timestamp, TypeName,
};
use sourced_testing::postgres::ThrowawayPostgres;
use uuid::Uuid;

use self::domain::{STALLS, Sold, TILLS, Takings, TakingsOfTwo};
pub(crate) use self::programs::play;
use self::programs::{WORKERS, open};
use self::readers::{Found, Readers};
use crate::args::{Args, Backend, Role};
use crate::conductor::DISPATCHERS;
use crate::database::Database;
use crate::processes::Part;

/// Sales of the history.
const HISTORY: u64 = 40_000;
/// How long everything may take to come to rest after the last command.
const REST: Duration = Duration::from_mins(3);

/// Between two looks at the processes, and at what is live.
const LOOK: Duration = Duration::from_millis(20);

/// The last line of the program.
#[derive(Debug, Default, Serialize)]
struct Report {
    kills: u64,
    messages: u64,
    commands_per_second: u64,
    reads: u64,
    /// From the start of the worker with version 2 until that was live.
    filled_in_ms: u128,
    stepped_back: u64,
    mixed: u64,
    failed_reads: u64,
    /// Commands that were acknowledged and are not in the log.
    acked_lost: u64,
    /// Events that are not in the table.
    events_lost: u64,
    /// Events that are in it, and messages that are in the log, more than once.
    doubled: u64,
    /// Rows that differ otherwise.
    other_rows: u64,
    /// Rows that version 2 has told of after the commit.
    told_by_new: u64,
    /// Of a row in a state of which somebody has told before.
    told_again: u64,
}

impl Report {
    fn is_clean(&self) -> bool {
        let of_reads = self.stepped_back + self.mixed + self.failed_reads;
        let of_rows = self.events_lost + self.doubled + self.other_rows;
        of_reads + self.acked_lost + of_rows + self.told_again == 0 && self.told_by_new > 0
    }

    fn take(&mut self, found: &Arc<Found>) {
        self.reads = found.reads.load(Ordering::Relaxed);
        self.stepped_back = found.stepped_back.load(Ordering::Relaxed);
        self.mixed = found.mixed.load(Ordering::Relaxed);
        self.failed_reads = found.failed.load(Ordering::Relaxed);
    }
}

/// Plays the whole piece.
pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let server = (args.backend == Backend::Postgres).then(ThrowawayPostgres::start);
    let database = match &server {
        Some(server) => Database::Postgres(server.url().to_owned()),
        None => Database::Sqlite(folder.path().join("rebuild.db")),
    };
    let app = open::<Takings>(&database).await?;
    make_history(&app).await?;
    let mut report = Report::default();
    let mut stage = Stage::set(args, &database, folder.path());
    stage.start_old()?;
    app.idle().await?;
    let readers = Readers::start(&database).await?;
    let is_live = stage.play(&app, &mut report).await?;
    let newer = open::<TakingsOfTwo>(&database).await?;
    tokio::time::timeout(REST, newer.idle()).await??;
    report.take(&readers.stop().await);
    drop(stage);
    verify::verify(&app, folder.path(), &mut report).await?;
    if !is_live {
        eprintln!("version 2 is not live");
    }
    println_report(&report)?;
    Ok(if is_live && report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn println_report(report: &Report) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}

/// Sales that nobody commanded.
async fn make_history(app: &App) -> anyhow::Result<()> {
    for till in 0..TILLS {
        let sales = (till..HISTORY).step_by(usize::try_from(TILLS)?);
        let append = StreamAppend {
            stream: StreamId::new(sales::till(till))?,
            expected: ExpectedSeq::Any,
            messages: sales.map(sale).collect::<anyhow::Result<_>>()?,
        };
        app.backend().append(vec![append]).await?;
    }
    Ok(())
}

fn sale(number: u64) -> anyhow::Result<NewMessage> {
    let sold = Sold {
        stall: number / TILLS % STALLS,
        cents: number % 89 + 1,
    };
    Ok(NewMessage::root(
        MessageId::from_uuid(Uuid::from_u64_pair(0x0b0e_5000_0000_8000, number)),
        Timestamp::from_micros(1_700_000_000_000_000),
        TypeName::of::<Sold>(),
        Kind::Event,
        Payload::encode(&sold)?,
    ))
}

/// The processes, and who kills them.
struct Stage<'a> {
    args: &'a Args,
    database: &'a Database,
    folder: &'a Path,
    workers: Vec<Part>,
    sellers: Vec<Part>,
    random: StdRng,
}

impl<'a> Stage<'a> {
    fn set(args: &'a Args, database: &'a Database, folder: &'a Path) -> Self {
        Self {
            args,
            database,
            folder,
            workers: Vec::new(),
            sellers: Vec::new(),
            random: StdRng::seed_from_u64(args.seed),
        }
    }

    fn start(&self, role: Role, nths: Range<u64>) -> anyhow::Result<Vec<Part>> {
        nths.map(|nth| Part::start(role, nth, self.args, self.database, self.folder))
            .collect()
    }

    fn start_old(&mut self) -> anyhow::Result<()> {
        self.workers = self.start(Role::Worker, 0..WORKERS)?;
        Ok(())
    }

    fn start_new(&mut self) -> anyhow::Result<()> {
        let new = self.start(Role::Worker, WORKERS..2 * WORKERS)?;
        self.workers.extend(new);
        Ok(())
    }

    /// Traffic until the time is up. Gives whether version 2 was live then.
    async fn play(&mut self, app: &App, report: &mut Report) -> anyhow::Result<bool> {
        let length = Duration::from_secs(self.args.seconds);
        let takings = app.projection::<Takings>();
        self.sellers = self.start(Role::Dispatcher, 0..DISPATCHERS)?;
        let started = Instant::now();
        while started.elapsed() < length / 4 {
            self.mend()?;
            tokio::time::sleep(LOOK).await;
        }
        self.start_new()?;
        let filling_since = Instant::now();
        let mut next_kill = self.next_kill(filling_since);
        let mut is_live = false;
        // On a slow machine it goes on until the table is filled.
        while started.elapsed() < length || !is_live && started.elapsed() < length + REST {
            if next_kill.is_some_and(|at| at <= Instant::now()) {
                let nth = self.random.random_range(0..self.workers.len());
                self.workers[nth].replace()?;
                report.kills += 1;
                next_kill = self.next_kill(Instant::now());
            }
            if !is_live && takings.live_version().await? == 2 {
                is_live = true;
                report.filled_in_ms = filling_since.elapsed().as_millis();
            }
            self.mend()?;
            tokio::time::sleep(LOOK).await;
        }
        self.sellers.clear();
        let sold = sales::acknowledged_in(self.folder)?;
        report.commands_per_second = sold / started.elapsed().as_secs().max(1);
        Ok(is_live)
    }

    fn next_kill(&mut self, now: Instant) -> Option<Instant> {
        let mean = 1.0 / self.args.faults_per_second;
        let pause = Duration::try_from_secs_f64(mean * self.random.random_range(0.5..1.5));
        pause.ok().map(|pause| now + pause)
    }

    /// No process should end by itself.
    fn mend(&mut self) -> anyhow::Result<()> {
        for part in self.workers.iter_mut().chain(&mut self.sellers) {
            anyhow::ensure!(part.mend()?.is_none(), "a process ended by itself");
        }
        Ok(())
    }
}
