//! A process that appends events in batches, and writes down which of them were acknowledged.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use sourced::App;
use sourced::backend::StreamAppend;
use sourced::message::{Kind, MessageType, Payload};
use sourced::{ExpectedSeq, MessageId, NewMessage, StreamId, TypeName};
use uuid::Uuid;

use super::domain::{Amended, Closed, Opened};
use crate::args::Args;
use crate::conductor::DISPATCHERS;
use crate::database::Database;
use crate::dispatcher::{acknowledged, path};

/// Tasks of one dispatcher, each with streams of its own.
const TASKS: u64 = 2;
/// Streams in a batch.
const STREAMS_OF_A_BATCH: u64 = 20;

/// How the events lie in streams, and how fast they come.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// Streams of a task.
    streams: u64,
    /// Events of a stream in a batch, at most.
    most_events: u64,
    /// Events per second that the dispatchers try to store.
    per_second: u32,
}

impl Shape {
    fn of(args: &Args) -> Self {
        if args.behind {
            return Self {
                streams: 9_999,
                most_events: 3,
                per_second: 50_000,
            };
        }
        Self {
            streams: 200,
            most_events: 24,
            // More than workers that are broken all the time can handle.
            per_second: 5_000,
        }
    }
}

/// Appends its share of the events, and waits to be killed.
pub(super) async fn run(database: &Database, args: &Args) -> anyhow::Result<ExitCode> {
    let folder = args.folder.as_deref();
    let folder = folder.context("a dispatcher needs a folder")?.to_owned();
    let app = super::patiently_opened(database, args.no_fence).await;
    let tasks = (0..TASKS).map(|task| {
        let lane = args.nth * TASKS + task;
        let (app, folder, shape) = (app.clone(), folder.clone(), Shape::of(args));
        let batches = Batches::of(lane, args);
        tokio::spawn(async move { append_all(&app, &folder, shape, batches).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    std::future::pending().await
}

/// Whether all events are stored, and acknowledged to a dispatcher.
pub(super) fn are_all_acknowledged(folder: &Path, args: &Args) -> anyhow::Result<bool> {
    for lane in 0..TASKS * DISPATCHERS {
        let n_batches = Batches::of(lane, args).count() as u64;
        if acknowledged(&path(folder, lane))? < n_batches {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn append_all(
    app: &App,
    folder: &Path,
    shape: Shape,
    batches: Batches,
) -> anyhow::Result<()> {
    let lane = batches.lane;
    let path = path(folder, lane);
    let n_done = usize::try_from(acknowledged(&path)?)?;
    let mut journal = OpenOptions::new().create(true).append(true).open(path)?;
    for batch in batches.skip(n_done) {
        let n_events = batch.iter().map(|share| share.seqs.end - share.seqs.start);
        let n_events: u64 = n_events.sum();
        let appends: Vec<StreamAppend> = batch
            .iter()
            .map(|share| share.append(app, lane))
            .collect::<Result<_, _>>()?;
        // The same ids until it is acknowledged, also by the process after this one.
        while let Err(error) = app.backend().append(appends.clone()).await {
            eprintln!("dispatcher {lane}: {error:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        writeln!(journal, "{n_events}")?;
        let n_tasks = u32::try_from(TASKS * DISPATCHERS)?;
        let pause = Duration::from_secs(1) * u32::try_from(n_events)? * n_tasks / shape.per_second;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// How many of the events a task appends.
fn quota(lane: u64, events: u64) -> u64 {
    let n_tasks = TASKS * DISPATCHERS;
    events / n_tasks + u64::from(lane < events % n_tasks)
}

/// The batches of a task: always the same ones.
struct Batches {
    lane: u64,
    shape: Shape,
    nth: u64,
    left: u64,
    lasts: BTreeMap<u64, u64>,
}

/// What a batch has for one stream.
struct Share {
    stream: u64,
    seqs: std::ops::Range<u64>,
}

impl Batches {
    fn of(lane: u64, args: &Args) -> Self {
        Self {
            lane,
            shape: Shape::of(args),
            nth: 0,
            left: quota(lane, args.events),
            lasts: BTreeMap::new(),
        }
    }
}

impl Iterator for Batches {
    type Item = Vec<Share>;

    fn next(&mut self) -> Option<Self::Item> {
        let (nth, mut batch) = (self.nth, Vec::new());
        self.nth += 1;
        for step in 0..STREAMS_OF_A_BATCH {
            let stream = (nth * 7 * STREAMS_OF_A_BATCH + step) % self.shape.streams;
            let n_events =
                (1 + mixed(self.lane, nth, step) % self.shape.most_events).min(self.left);
            if n_events == 0 {
                break;
            }
            self.left -= n_events;
            let last = self.lasts.entry(stream).or_default();
            let seqs = *last + 1..*last + 1 + n_events;
            *last += n_events;
            batch.push(Share { stream, seqs });
        }
        (!batch.is_empty()).then_some(batch)
    }
}

impl Share {
    fn append(&self, app: &App, lane: u64) -> anyhow::Result<StreamAppend> {
        let messages = self.seqs.clone().map(|seq| self.event(app, lane, seq));
        Ok(StreamAppend {
            stream: StreamId::new(format!("order-{lane}-{}", self.stream))?,
            expected: ExpectedSeq::Any,
            messages: messages.collect::<Result<_, _>>()?,
        })
    }

    /// An order is opened, amended three times and closed, and the next one opened.
    fn event(&self, app: &App, lane: u64, seq: u64) -> anyhow::Result<NewMessage> {
        let order = mixed(lane, self.stream, (seq - 1) / 5);
        let (customer, product) = (format!("customer-{}", order % 60), (order / 60 % 5) as u32);
        let cents = (mixed(lane, self.stream, seq) % 10_000).cast_signed() - 2_000;
        let id = Uuid::from_u64_pair(0xc4a0_7000_0000_8000 | lane, self.stream << 40 | seq);
        match seq % 5 {
            1 => root(
                app,
                id,
                &Opened {
                    customer,
                    product,
                    cents,
                },
            ),
            0 => root(app, id, &Closed { customer, product }),
            _ => root(
                app,
                id,
                &Amended {
                    customer,
                    product,
                    cents,
                },
            ),
        }
    }
}

fn root<E: MessageType>(app: &App, id: Uuid, event: &E) -> anyhow::Result<NewMessage> {
    Ok(NewMessage::root(
        MessageId::from_uuid(id),
        app.env().clock.now(),
        TypeName::of::<E>(),
        Kind::Event,
        Payload::encode(event)?,
    ))
}

/// A number that looks like chance and is always the same.
fn mixed(a: u64, b: u64, c: u64) -> u64 {
    let mut mixed = a << 48 ^ b << 24 ^ c;
    for _ in 0..2 {
        mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    mixed ^ mixed >> 32
}
