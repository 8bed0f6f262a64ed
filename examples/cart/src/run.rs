//! A run from the first line to the summary.

use std::future::pending;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use sourced::backend::ResetFrom;
use sourced::{App, Running};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::args::{Args, Picture};
use crate::database::Database;
use crate::feed::Feed;
use crate::listings::CartListings;
use crate::output::Output;
use crate::progress::Progress;
use crate::source::Input;
use crate::summary::Summary;
use crate::trail::Trail;
use crate::{listing, verify};

/// Does what was asked for.
///
/// # Errors
/// When the database or the input fails. Whatever is stored by then stays; a new start continues.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(picture) = args.topology {
        return print_topology(picture).await;
    }
    let mut stop = StopSignals::listen()?;
    let database = args.database.clone().in_schema(args.schema.as_deref());
    let app = database.open().await?;
    eprintln!("everything is kept in {database}");
    if args.verify {
        return verify::verify(&app, &Input::from_arg(args.input.as_deref())).await;
    }
    let run = Run {
        app: &app,
        args: &args,
    };
    if args.replay {
        run.replay(&mut stop).await
    } else if args.workers_only {
        run.work(&mut stop).await
    } else {
        run.feed(&mut stop).await
    }
}

/// What leads to what is known from the types, so it needs no database.
async fn print_topology(picture: Picture) -> anyhow::Result<ExitCode> {
    let app = Database::Memory.open().await?;
    let topology = app.topology();
    Output::stdout().write(&match picture {
        Picture::Mermaid => topology.to_mermaid(),
        Picture::Json => topology.to_json() + "\n",
        Picture::Svg => topology.to_svg(),
    })?;
    Ok(ExitCode::SUCCESS)
}

struct Run<'a> {
    app: &'a App,
    args: &'a Args,
}

impl Run<'_> {
    /// Dispatches the input and waits until everything is handled.
    async fn feed(&self, stop: &mut StopSignals) -> anyhow::Result<ExitCode> {
        let clock = &self.app.env().clock;
        let input = Input::from_arg(self.args.input.as_deref());
        let mut lines = input.read()?;
        let progress = Progress::over(input.n_bytes());
        let (all_stored, trail) = self.follow(&progress).await?;
        let mut feed = Feed::new(self.app, &progress);
        let started_at = clock.now();
        let workers = (!self.args.no_workers).then(|| self.app.start());

        let all_handled = async {
            feed.run(&mut lines).await?;
            anyhow::Ok(self.app.idle().await?)
        };
        let ended = tokio::select! {
            ended = all_handled => ended.map(|_| None),
            stopped_by = stop.received() => Ok(Some(stopped_by)),
        };
        let took = clock.now().saturating_since(started_at);
        let n_handled = stop_workers(workers).await;
        all_stored.send_replace(true);
        let trail = trail.await.context("the trail broke off")?;
        progress.finish();
        let stopped_by = ended?;
        let trail = trail?;

        let summary = Summary::of(self.app, &feed, &trail, n_handled, took).await?;
        if let Some(stopped_by) = stopped_by {
            eprintln!(
                "{summary}\nstopped by {}; a new start continues",
                stopped_by.name()
            );
            return Ok(stopped_by.exit_code());
        }
        self.print_listings().await?;
        eprintln!("{summary}");
        Ok(match summary {
            Summary { n_failed: 1.., .. } => ExitCode::FAILURE,
            Summary {
                n_bad_lines: 1.., ..
            } => ExitCode::from(2),
            _ => ExitCode::SUCCESS,
        })
    }

    /// Projects the listings again. Stopped halfway, a new start continues.
    async fn replay(&self, stop: &mut StopSignals) -> anyhow::Result<ExitCode> {
        let listings = self.app.group::<CartListings>();
        listings.reset(ResetFrom::Beginning).await?;
        let progress = Progress::over(Some(listings.progress().await?.left()));
        let mut paces = listings.watch_progress(Duration::from_millis(100));
        let workers = self.app.start();
        let through = async {
            while let Some(pace) = paces.next().await.transpose()? {
                progress.replayed(&pace);
                if pace.progress.left() == 0 {
                    break;
                }
            }
            anyhow::Ok(())
        };
        let ended = tokio::select! {
            ended = through => ended.map(|()| None),
            stopped_by = stop.received() => Ok(Some(stopped_by)),
        };
        let n_handled = stop_workers(Some(workers)).await;
        progress.finish();
        let stopped_by = ended?;
        eprintln!("{n_handled} handled here");
        Ok(stopped_by.map_or(ExitCode::SUCCESS, StoppedBy::exit_code))
    }

    /// Works on what others dispatch.
    async fn work(&self, stop: &mut StopSignals) -> anyhow::Result<ExitCode> {
        let (all_stored, trail) = self.follow(&Progress::over(None)).await?;
        let workers = self.app.start();
        let stopped_by = stop.received().await;
        let n_handled = stop_workers(Some(workers)).await;
        all_stored.send_replace(true);
        trail.await.context("the trail broke off")??;
        eprintln!("{n_handled} handled here\nstopped by {}", stopped_by.name());
        Ok(ExitCode::SUCCESS)
    }

    async fn follow(
        &self,
        progress: &Progress,
    ) -> anyhow::Result<(watch::Sender<bool>, Following)> {
        let output = self
            .args
            .prints_trail()
            .then(|| (Output::stdout(), progress.clone()));
        let trail = Trail::from_now(self.app, output).await?;
        let (all_stored, is_all_stored) = watch::channel(false);
        let following = self.app.env().spawner.spawn(trail.follow(is_all_stored));
        Ok((all_stored, following))
    }

    async fn print_listings(&self) -> anyhow::Result<()> {
        let text = listing::text(&listing::all(self.app).await?);
        if let Some(path) = &self.args.listings {
            std::fs::write(path, &text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        if !self.args.quiet {
            Output::stdout().write(&format!("--- listings ---\n{text}"))?;
        }
        Ok(())
    }
}

type Following = sourced::env::Task<anyhow::Result<Trail>>;

async fn stop_workers(workers: Option<Running>) -> u64 {
    match workers {
        Some(workers) => workers.stop().await.handled,
        None => 0,
    }
}

struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

#[derive(Clone, Copy)]
enum StoppedBy {
    Interrupt,
    Terminate,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn received(&mut self) -> StoppedBy {
        tokio::select! {
            Some(()) = self.interrupt.recv() => StoppedBy::Interrupt,
            Some(()) = self.terminate.recv() => StoppedBy::Terminate,
            else => pending().await,
        }
    }
}

impl StoppedBy {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "ctrl-c",
            Self::Terminate => "SIGTERM",
        }
    }

    /// What a shell expects: 128 and the number of the signal.
    fn exit_code(self) -> ExitCode {
        match self {
            Self::Interrupt => ExitCode::from(130),
            Self::Terminate => ExitCode::from(143),
        }
    }
}
