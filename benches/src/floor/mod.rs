//! The floor: the same jobs by hand, to see what the framework costs.
//!
//! One table of messages, a unique index on stream and seq against concurrent writers and one on ids, statements that are prepared
//! once, no ping before a connection is used, and one round trip where one is enough. Durability is the same.
//!
//! What it leaves out: answering a repeated append with its first result, causes and conversations, a reader that waits for
//! writers that are late, leases and fencing, other processes, retries, projections that can be rebuilt.

mod memory;
mod postgres;
mod sqlite;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use async_trait::async_trait;
use serde::Serialize;
use sourced::MessageType;
use sourced::env::Env;
use uuid::Uuid;

use crate::domain::{Cart, ItemAdded, Order, Paid, Pay, Place as PlaceOrder, Placed};
use crate::measure::{Measured, Stopwatch, in_tasks};
use crate::plan::{FILL, PAGE, Workload, cart, log};
use crate::storage::{Place, Storage};

/// Messages that the projection takes in one transaction.
const PROJECTED: usize = 5_000;
/// How long nothing happens before a chain that is to find everything idle.
const REST: Duration = Duration::from_millis(20);

/// A message about to be stored.
struct Row {
    stream: String,
    seq: i64,
    id: Uuid,
    kind: &'static str,
    type_name: &'static str,
    payload: String,
    /// Whether something has to follow from it, which a crash must not lose.
    pending: bool,
}

/// A message that is stored.
struct Stored {
    /// In the log, or in the stream when one stream is read.
    place: i64,
    stream: String,
    type_name: String,
    payload: String,
}

/// What a projection adds to a stream's totals.
#[derive(Default)]
struct Added {
    pieces: i64,
    cents: i64,
}

/// The hand-written SQL.
#[async_trait]
trait Tables: Send + Sync {
    /// Stores messages, and ends what they follow from, in one transaction. `false` when somebody else was faster.
    async fn insert(&self, rows: Vec<Row>, done: Option<Uuid>) -> anyhow::Result<bool>;
    /// The events of a stream.
    async fn events(&self, stream: &str) -> anyhow::Result<Vec<Stored>>;
    /// The log after a position.
    async fn page(&self, after: i64, limit: usize) -> anyhow::Result<Vec<Stored>>;
    /// Moves the cursor.
    async fn move_on(&self, cursor: i64) -> anyhow::Result<()>;
    /// Adds to the totals and moves the cursor, in one transaction.
    async fn project(&self, cursor: i64, added: BTreeMap<String, Added>) -> anyhow::Result<()>;
}

type Shared = Arc<dyn Tables>;

pub(crate) async fn run(place: &Place, workload: &Workload) -> anyhow::Result<Measured> {
    if let Workload::Decide { commands, events } = *workload {
        return memory::decide(commands, events);
    }
    let tables: Shared = match place.storage {
        Storage::Postgres => Arc::new(postgres::Postgres::open(place).await?),
        _ => Arc::new(sqlite::Sqlite::open(place).await?),
    };
    match *workload {
        Workload::Handle {
            tasks,
            commands,
            events,
        } => handle(place, tables, tasks, commands, events).await,
        Workload::Load {
            tasks,
            loads,
            events,
        } => load(place, tables, tasks, loads, events).await,
        Workload::Append {
            tasks,
            batches,
            messages,
        } => append(tables, tasks, batches, messages).await,
        Workload::Read { messages, streams } => read(place, tables, messages, streams).await,
        Workload::Count { messages, streams } => count(place, tables, messages, streams).await,
        // A document and a row are the same here.
        Workload::Project { messages, streams }
        | Workload::Table { messages, streams }
        | Workload::Global { messages, streams } => project(place, tables, messages, streams).await,
        Workload::ChainIdle { chains } => chain_idle(tables, chains).await,
        Workload::ChainBusy { chains, tasks } => {
            let watch = Stopwatch::start();
            let latencies =
                in_tasks(tasks, chains, move |nth| chain(Arc::clone(&tables), nth)).await?;
            Ok(watch.stop(chains, latencies))
        }
        Workload::Claim { .. } | Workload::Decide { .. } => anyhow::bail!("it has no floor"),
    }
}

async fn handle(
    place: &Place,
    tables: Shared,
    tasks: usize,
    commands: usize,
    events: usize,
) -> anyhow::Result<Measured> {
    fill(&tables, commands * events, commands).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let latencies = in_tasks(tasks, commands, move |nth| {
        add_item(Arc::clone(&tables), nth)
    })
    .await?;
    Ok(watch.stop(commands, latencies))
}

async fn add_item(tables: Shared, nth: usize) -> anyhow::Result<()> {
    let stream = cart(nth);
    loop {
        let (state, seq) = loaded(&tables.events(&stream).await?)?;
        let ItemAdded {
            product_id,
            name,
            price,
            quantity,
        } = ItemAdded::nth(nth);
        let command = crate::domain::AddItem {
            product_id,
            name,
            price,
            quantity,
        };
        let asked = row(&stream, seq + 1, "command", &command)?;
        let crate::domain::AddItem {
            product_id,
            name,
            price,
            quantity,
        } = command;
        let added = state.add_item(product_id, name, price, quantity)?;
        if tables
            .insert(vec![asked, row(&stream, seq + 2, "event", &added)?], None)
            .await?
        {
            return Ok(());
        }
    }
}

fn loaded(events: &[Stored]) -> anyhow::Result<(Cart, i64)> {
    let (mut state, mut seq) = (Cart::default(), 0);
    for event in events {
        ensure!(event.type_name == ItemAdded::NAME, "`{}`", event.type_name);
        state.item_added(&serde_json::from_str(&event.payload)?);
        seq = event.place;
    }
    Ok((state, seq))
}

async fn load(
    place: &Place,
    tables: Shared,
    tasks: usize,
    loads: usize,
    events: usize,
) -> anyhow::Result<Measured> {
    const STREAMS: usize = 20;
    fill(&tables, STREAMS * events, STREAMS).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let load = move |nth| {
        let tables = Arc::clone(&tables);
        async move {
            let (state, _) = loaded(&tables.events(&cart(nth % STREAMS)).await?)?;
            ensure!(
                state.pieces() as usize == events,
                "not all of it was loaded"
            );
            Ok(())
        }
    };
    let latencies = in_tasks(tasks, loads, load).await?;
    Ok(watch.stop(loads, latencies))
}

async fn append(
    tables: Shared,
    tasks: usize,
    batches: usize,
    messages: usize,
) -> anyhow::Result<Measured> {
    let watch = Stopwatch::start();
    let append = move |nth| {
        let tables = Arc::clone(&tables);
        async move {
            let stream = cart(nth);
            let rows = (0..messages)
                .map(|nth| row(&stream, nth as i64 + 1, "event", &ItemAdded::nth(nth)));
            ensure!(
                tables.insert(rows.collect::<Result<_, _>>()?, None).await?,
                "a conflict"
            );
            Ok(())
        }
    };
    let latencies = in_tasks(tasks, batches, append).await?;
    Ok(watch.stop(batches, latencies))
}

async fn read(
    place: &Place,
    tables: Shared,
    messages: usize,
    streams: usize,
) -> anyhow::Result<Measured> {
    fill(&tables, messages, streams).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let (mut after, mut pieces) = (0, 0);
    loop {
        let page = tables.page(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.place;
        for message in &page {
            pieces += serde_json::from_str::<ItemAdded>(&message.payload)?.quantity as usize;
        }
    }
    ensure!(pieces == messages, "read {pieces} messages");
    Ok(watch.stop(messages, Vec::new()))
}

async fn count(
    place: &Place,
    tables: Shared,
    messages: usize,
    streams: usize,
) -> anyhow::Result<Measured> {
    fill(&tables, messages, streams).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let (mut after, mut pieces) = (0, 0);
    loop {
        let page = tables.page(after, PROJECTED).await?;
        let Some(last) = page.last() else { break };
        after = last.place;
        for message in &page {
            pieces += serde_json::from_str::<ItemAdded>(&message.payload)?.quantity as usize;
        }
        tables.move_on(after).await?;
    }
    ensure!(pieces == messages, "counted {pieces}");
    Ok(watch.stop(messages, Vec::new()))
}

async fn project(
    place: &Place,
    tables: Shared,
    messages: usize,
    streams: usize,
) -> anyhow::Result<Measured> {
    fill(&tables, messages, streams).await?;
    place.settle().await?;
    let watch = Stopwatch::start();
    let mut after = 0;
    loop {
        let page = tables.page(after, PROJECTED).await?;
        let Some(last) = page.last() else { break };
        after = last.place;
        let mut totals: BTreeMap<String, Added> = BTreeMap::new();
        for message in page {
            let event: ItemAdded = serde_json::from_str(&message.payload)?;
            let added = totals.entry(message.stream).or_default();
            added.pieces += i64::from(event.quantity);
            added.cents += i64::from(event.quantity) * i64::from(event.price);
        }
        tables.project(after, totals).await?;
    }
    Ok(watch.stop(messages, Vec::new()))
}

async fn chain_idle(tables: Shared, chains: usize) -> anyhow::Result<Measured> {
    let mut latencies = Vec::new();
    for nth in 0..chains {
        tokio::time::sleep(REST).await;
        let start = Instant::now();
        chain(Arc::clone(&tables), nth).await?;
        latencies.push(start.elapsed());
    }
    Ok(Measured::of_each(latencies))
}

/// Each message is stored together with the end of the one before, so that what is pending after a crash is found in
/// the table. Here the same task goes on with it.
async fn chain(tables: Shared, nth: usize) -> anyhow::Result<()> {
    let stream = cart(nth);
    let place = pending(row(&stream, 1, "command", &PlaceOrder { total: 250 })?);
    let placing = place.id;
    ensure!(tables.insert(vec![place], None).await?, "a conflict");

    let order = order(&tables.events(&stream).await?)?;
    let decided: Placed = order.place(250);
    let placed = pending(row(&stream, 2, "event", &decided)?);
    let reacting = placed.id;
    ensure!(
        tables.insert(vec![placed], Some(placing)).await?,
        "a conflict"
    );

    let follow_up: Pay = order.bill(&decided);
    let pay = pending(row(&stream, 3, "command", &follow_up)?);
    let paying = pay.id;
    ensure!(
        tables.insert(vec![pay], Some(reacting)).await?,
        "a conflict"
    );

    let order = self::order(&tables.events(&stream).await?)?;
    let paid: Paid = order
        .pay(follow_up.amount)
        .ok_or_else(|| anyhow::anyhow!("paid twice"))?;
    ensure!(
        tables
            .insert(vec![row(&stream, 4, "event", &paid)?], Some(paying))
            .await?,
        "a conflict"
    );
    Ok(())
}

fn order(events: &[Stored]) -> anyhow::Result<Order> {
    let mut order = Order::default();
    for event in events {
        if event.type_name == Placed::NAME {
            order.placed(serde_json::from_str::<Placed>(&event.payload)?.total);
        } else {
            order.paid(serde_json::from_str::<Paid>(&event.payload)?.amount);
        }
    }
    Ok(order)
}

async fn fill(tables: &Shared, messages: usize, streams: usize) -> anyhow::Result<()> {
    let mut log = log(messages, streams).peekable();
    while log.peek().is_some() {
        let rows = log.by_ref().take(FILL);
        let rows =
            rows.map(|(stream, nth)| row(&stream, nth as i64 + 1, "event", &ItemAdded::nth(nth)));
        ensure!(
            tables.insert(rows.collect::<Result<_, _>>()?, None).await?,
            "a conflict"
        );
    }
    Ok(())
}

fn row<M: MessageType + Serialize>(
    stream: &str,
    seq: i64,
    kind: &'static str,
    message: &M,
) -> anyhow::Result<Row> {
    thread_local! {
        static ENV: Env = Env::system();
    }
    Ok(Row {
        stream: stream.to_owned(),
        seq,
        id: ENV.with(|env| env.ids.next_id()),
        kind,
        type_name: M::NAME,
        payload: serde_json::to_string(message)?,
        pending: false,
    })
}

fn pending(row: Row) -> Row {
    Row {
        pending: true,
        ..row
    }
}
