//! The workloads, done with Sourced.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::TryStreamExt as _;
use sourced::backend::{Backend, ReadStream, StreamAppend};
use sourced::env::Env;
use sourced::prelude::*;
use sourced::{ExpectedSeq, Kind, NewMessage, Payload, Selection, Seq, TypeName};

use crate::claims;
use crate::domain::{
    Cart, CartTotals, ItemAdded, LogTotals, Order, Pieces, Place as PlaceOrder, TOTALS, Tally,
    Totals,
};
use crate::measure::{Measured, Stopwatch, in_tasks};
use crate::plan::{FILL, PAGE, Workload, cart, log};
use crate::storage::Place;

/// How long nothing happens before a chain that is to find everything idle.
const REST: Duration = Duration::from_millis(20);

pub(crate) async fn run(place: &Place, workload: &Workload) -> anyhow::Result<Vec<Measured>> {
    let measured = match *workload {
        Workload::Handle {
            tasks,
            commands,
            events,
        } => handle(place, tasks, commands, events).await,
        Workload::Load {
            tasks,
            loads,
            events,
        } => load(place, tasks, loads, events).await,
        Workload::Append {
            tasks,
            batches,
            messages,
        } => append(place, tasks, batches, messages).await,
        Workload::Read { messages, streams } => read(place, messages, streams).await,
        Workload::Count { messages, streams } => count(place, messages, streams).await,
        Workload::Project { messages, streams } => project(place, messages, streams).await,
        Workload::Table { messages, streams } => table(place, messages, streams).await,
        Workload::Global { messages, streams } => global(place, messages, streams).await,
        Workload::ChainIdle { chains } => chain_idle(place, chains).await,
        Workload::ChainBusy { chains, tasks } => chain_busy(place, chains, tasks).await,
        Workload::Claim {
            messages,
            streams,
            looks,
        } => return claims::run(place, messages, streams, looks).await,
        Workload::Decide { commands, events } => decide(place, commands, events).await,
    };
    Ok(vec![measured?])
}

async fn handle(
    place: &Place,
    tasks: usize,
    commands: usize,
    events: usize,
) -> anyhow::Result<Measured> {
    let app = place.app().await?.register::<Cart>().build().await?;
    fill(app.backend(), commands * events, commands).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let add = move |nth| {
        let app = app.clone();
        async move { add_item(&app, cart(nth), nth).await }
    };
    let latencies = in_tasks(tasks, commands, add).await?;
    Ok(watch.stop(commands, latencies))
}

pub(crate) async fn add_item(app: &App, stream: String, nth: usize) -> anyhow::Result<()> {
    let ItemAdded {
        product_id,
        name,
        price,
        quantity,
    } = ItemAdded::nth(nth);
    app.actor::<Cart>(stream)
        .add_item(product_id, name, price, quantity)
        .await?;
    Ok(())
}

async fn load(
    place: &Place,
    tasks: usize,
    loads: usize,
    events: usize,
) -> anyhow::Result<Measured> {
    const STREAMS: usize = 20;
    let app = place.app().await?.register::<Cart>().build().await?;
    fill(app.backend(), STREAMS * events, STREAMS).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let load = move |nth| {
        let app = app.clone();
        async move {
            let loaded = app
                .load::<Cart>(cart(nth % STREAMS))
                .await
                .map_err(failed)?;
            anyhow::ensure!(
                loaded.state().pieces() as usize == events,
                "not all of it was loaded"
            );
            Ok(())
        }
    };
    let latencies = in_tasks(tasks, loads, load).await?;
    Ok(watch.stop(loads, latencies))
}

async fn append(
    place: &Place,
    tasks: usize,
    batches: usize,
    messages: usize,
) -> anyhow::Result<Measured> {
    let backend = Arc::clone(place.app().await?.build().await?.backend());
    let watch = Stopwatch::start();
    let append = move |nth| {
        let backend = Arc::clone(&backend);
        async move {
            let messages = (0..messages).map(event).collect::<Result<_, _>>()?;
            let stream = StreamId::new(cart(nth))?;
            let append = StreamAppend {
                stream,
                expected: ExpectedSeq::NoStream,
                messages,
            };
            backend.append(vec![append]).await?;
            Ok(())
        }
    };
    let latencies = in_tasks(tasks, batches, append).await?;
    Ok(watch.stop(batches, latencies))
}

async fn read(place: &Place, messages: usize, streams: usize) -> anyhow::Result<Measured> {
    let app = place.app().await?.build().await?;
    fill(app.backend(), messages, streams).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let (mut n_read, mut pieces) = (0, 0);
    let feed = app.log(Selection::all()).page_size(PAGE);
    let mut events = feed.typed::<ItemAdded>().stream();
    while let Some(event) = events.try_next().await.map_err(failed)? {
        n_read += 1;
        pieces += event.payload.quantity as usize;
    }
    anyhow::ensure!(
        (n_read, pieces) == (messages, messages),
        "read {n_read} messages"
    );
    Ok(watch.stop(messages, Vec::new()))
}

/// What the workers of an app take to come to the end of a log.
async fn catch_up(
    place: &Place,
    app: &App,
    messages: usize,
    streams: usize,
) -> anyhow::Result<Measured> {
    fill(app.backend(), messages, streams).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let running = app.start();
    rest(app).await?;
    let measured = watch.stop(messages, Vec::new());
    running.stop().await;
    Ok(measured)
}

async fn count(place: &Place, messages: usize, streams: usize) -> anyhow::Result<Measured> {
    let pieces = Pieces::default();
    let app = place.app().await?.resource(pieces.clone());
    let app = app.register::<Tally>().build().await?;
    let measured = catch_up(place, &app, messages, streams).await?;
    let counted = pieces.0.load(Ordering::Relaxed);
    anyhow::ensure!(counted == messages, "counted {counted}");
    Ok(measured)
}

async fn table(place: &Place, messages: usize, streams: usize) -> anyhow::Result<Measured> {
    let app = place.app().await?.register::<CartTotals>();
    let app = app.build().await?;
    let measured = catch_up(place, &app, messages, streams).await?;
    for nth in [0, streams - 1] {
        let row = app.rows::<CartTotals>().get(cart(nth)).await;
        let row = row.map_err(failed)?.context("no row")?;
        anyhow::ensure!(
            row.pieces as usize == messages / streams,
            "a wrong row: {row:?}"
        );
    }
    Ok(measured)
}

async fn global(place: &Place, messages: usize, streams: usize) -> anyhow::Result<Measured> {
    let app = place.app().await?.register::<LogTotals>();
    let app = app.build().await?;
    let measured = catch_up(place, &app, messages, streams).await?;
    for nth in [0, streams - 1] {
        let row = app.rows::<LogTotals>().get(cart(nth)).await;
        let row = row.map_err(failed)?.context("no row")?;
        anyhow::ensure!(
            row.pieces as usize == messages / streams,
            "a wrong row: {row:?}"
        );
    }
    Ok(measured)
}

async fn project(place: &Place, messages: usize, streams: usize) -> anyhow::Result<Measured> {
    let app = place.app().await?.register::<Totals>().build().await?;
    let measured = catch_up(place, &app, messages, streams).await?;
    for nth in [0, streams - 1] {
        let totals: Totals = app
            .document(TOTALS, cart(nth))
            .await
            .map_err(failed)?
            .context("no totals")?;
        anyhow::ensure!(
            totals.pieces as usize == messages / streams,
            "wrong totals: {totals:?}"
        );
    }
    Ok(measured)
}

async fn chain_idle(place: &Place, chains: usize) -> anyhow::Result<Measured> {
    let app = place.app().await?.register::<Order>().build().await?;
    let running = app.start();
    let mut latencies = Vec::new();
    for nth in 0..chains {
        tokio::time::sleep(REST).await;
        let stream = StreamId::new(cart(nth))?;
        let mut signal = app.backend().signal();
        let start = Instant::now();
        app.dispatch(PlaceOrder { total: 250 }.to(stream.clone()))
            .await?;
        // Place, Placed, Pay, and then Paid.
        let paid = ReadStream::all(stream).after(Seq::new(3)).limit(1);
        while app.backend().read_stream(paid.clone()).await?.is_empty() {
            signal.raised().await;
        }
        latencies.push(start.elapsed());
    }
    running.stop().await;
    Ok(Measured::of_each(latencies))
}

async fn chain_busy(place: &Place, chains: usize, tasks: usize) -> anyhow::Result<Measured> {
    let app = place.app().await?.register::<Order>().build().await?;
    let running = app.start();
    let watch = Stopwatch::start();
    let dispatching = app.clone();
    let dispatch = move |nth| {
        let app = dispatching.clone();
        async move {
            app.dispatch(PlaceOrder { total: 250 }.to(cart(nth)))
                .await?;
            Ok(())
        }
    };
    in_tasks(tasks, chains, dispatch).await?;
    rest(&app).await?;
    let measured = watch.stop(chains, Vec::new());
    running.stop().await;
    let last = app
        .backend()
        .read_stream(ReadStream::all(StreamId::new(cart(chains - 1))?))
        .await?;
    anyhow::ensure!(last.len() == 4, "a chain of {} messages", last.len());
    Ok(measured)
}

/// Waits until nothing is left to do. It looks seldom, which costs the storage next to nothing.
async fn rest(app: &App) -> anyhow::Result<()> {
    let groups = app.backend().groups().await?;
    let groups: Vec<_> = groups.into_iter().map(|status| status.id).collect();
    loop {
        let start = Instant::now();
        if app.backend().pending_lanes(&groups).await? == 0 {
            return Ok(());
        }
        // What is counted may be much.
        tokio::time::sleep(REST.max(start.elapsed() * 20)).await;
    }
}

async fn decide(place: &Place, commands: usize, events: usize) -> anyhow::Result<Measured> {
    let app = place.app().await?.register::<Cart>().build().await?;
    let watch = Stopwatch::start();
    for nth in 0..commands {
        add_item(&app, cart(nth / events), nth).await?;
    }
    Ok(watch.stop(commands, Vec::new()))
}

/// A [`Failure`] is no error by itself, so that it can be made of any.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
fn failed(failure: Failure) -> anyhow::Error {
    anyhow::Error::msg(failure.to_string())
}

/// Stores so many events in so many streams.
pub(crate) async fn fill(
    backend: &Arc<dyn Backend>,
    messages: usize,
    streams: usize,
) -> anyhow::Result<()> {
    let mut log = log(messages, streams).peekable();
    while log.peek().is_some() {
        let mut appends: Vec<StreamAppend> = Vec::new();
        for (stream, nth) in log.by_ref().take(FILL) {
            match appends
                .last_mut()
                .filter(|append| append.stream.as_str() == stream)
            {
                Some(append) => append.messages.push(event(nth)?),
                None => appends.push(StreamAppend {
                    stream: StreamId::new(stream)?,
                    expected: ExpectedSeq::Any,
                    messages: vec![event(nth)?],
                }),
            }
        }
        backend.append(merged(appends)).await?;
    }
    Ok(())
}

/// An append names a stream once, though small logs come back to it within a page.
fn merged(appends: Vec<StreamAppend>) -> Vec<StreamAppend> {
    let mut of_streams: Vec<StreamAppend> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for append in appends {
        let place = *places
            .entry(append.stream.clone())
            .or_insert(of_streams.len());
        match of_streams.get_mut(place) {
            Some(same) => same.messages.extend(append.messages),
            None => of_streams.push(append),
        }
    }
    of_streams
}

/// The nth event of a stream, as it is stored.
pub(crate) fn event(nth: usize) -> anyhow::Result<NewMessage> {
    thread_local! {
        static ENV: Env = Env::system();
    }
    let (id, now) = ENV.with(|env| (env.ids.next_id(), env.clock.now()));
    let payload = Payload::encode(&ItemAdded::nth(nth))?;
    Ok(NewMessage::root(
        id.into(),
        now,
        TypeName::of::<ItemAdded>(),
        Kind::Event,
        payload,
    ))
}
