//! Measures appends, and claims with acknowledgements: `cargo run --release --example throughput -p sourced-sqlite`.

// A measurement prints what it found, and reads the real clock.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss
)]

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use sourced::backend::{
    Ack, ClaimRequest, Claims as _, Group, Groups as _, StartFrom, Store as _, StreamAppend,
    WorkerId,
};
use sourced::env::Env;
use sourced::message::{Kind, NewMessage, Payload, TypeName};
use sourced::{ExpectedSeq, GroupId, StreamId};
use sourced_sqlite::{Sqlite, Synchronous};

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    for synchronous in [Synchronous::Full, Synchronous::Normal] {
        println!("{synchronous:?}");
        let folder = tempfile::tempdir_in(".")?;
        let path = folder.path().join("throughput.db");
        let store = Sqlite::builder()
            .synchronous(synchronous)
            .open(path)
            .await?;
        let group = Group {
            id: GroupId::new("all")?,
            types: vec![TypeName::new("test.happened")?],
            start_from: StartFrom::Beginning,
        };
        store.register_group(&group).await?;
        appends(&store, 1, 1_000, 1).await?;
        appends(&store, 32, 200, 1).await?;
        appends(&store, 128, 100, 1).await?;
        appends(&store, 4, 20, 1_000).await?;
        sort(&store, &group.id, 0).await?;
        for lanes in [1, 32] {
            for result in [false, true] {
                work(&store, &group.id, lanes, result).await?;
            }
        }
        idle(&store, &group.id).await?;
        // The same once more with many streams: the figures should not change.
        let sorted = store.log_end().await?.get();
        for batch in 0..100 {
            let names = (0..1_000).map(|n| format!("many-{batch}-{n}"));
            let appends = names
                .map(|name| append(&name, 1))
                .collect::<Result<_, _>>()?;
            store.append(appends).await?;
        }
        println!("with 100,000 lanes ready");
        sort(&store, &group.id, sorted).await?;
        work(&store, &group.id, 1, false).await?;
        work(&store, &group.id, 32, false).await?;
        idle(&store, &group.id).await?;
    }
    Ok(())
}

fn append(stream: &str, n_events: usize) -> Result<StreamAppend, Error> {
    let env = Env::system();
    let event = || -> Result<NewMessage, Error> {
        let id = env.ids.next_id().into();
        let payload = Payload::parse(format!(r#"{{"text":"{}"}}"#, "x".repeat(100)))?;
        let name = TypeName::new("test.happened")?;
        Ok(NewMessage::root(
            id,
            env.clock.now(),
            name,
            Kind::Event,
            payload,
        ))
    };
    Ok(StreamAppend {
        stream: StreamId::new(stream)?,
        expected: ExpectedSeq::Any,
        messages: (0..n_events).map(|_| event()).collect::<Result<_, _>>()?,
    })
}

async fn appends(store: &Sqlite, writers: usize, each: usize, size: usize) -> Result<(), Error> {
    let start = Instant::now();
    let tasks = (0..writers).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..each {
                // As many streams as appends, over all writers and rounds.
                let stream = format!("s-{writers}-{writer}-{size}-{n}");
                store.append(vec![append(&stream, size)?]).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for done in try_join_all(tasks).await? {
        done?;
    }
    let appends = (writers * each) as f64;
    report(
        &format!("appends of {size} by {writers}"),
        appends,
        start.elapsed(),
    );
    Ok(())
}

/// Lets the pump catch up, so that the claims after it show what they cost themselves.
async fn sort(store: &Sqlite, group: &GroupId, sorted: u64) -> Result<(), Error> {
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![group.clone()],
        lanes: 1,
        messages_per_lane: 1,
        lease: Duration::from_mins(1),
    };
    let (start, end) = (Instant::now(), store.log_end().await?.get());
    for _ in 0..=(end - sorted) / 5_000 {
        for claim in store.claim(&request).await? {
            store.release(&claim.key).await?;
        }
    }
    report(
        "messages sorted into lanes",
        (end - sorted) as f64,
        start.elapsed(),
    );
    Ok(())
}

/// Claims `lanes` at a time for a while, and acknowledges them concurrently.
async fn work(store: &Sqlite, group: &GroupId, lanes: usize, result: bool) -> Result<(), Error> {
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![group.clone()],
        lanes,
        messages_per_lane: 10,
        lease: Duration::from_mins(1),
    };
    let (start, mut n_lanes) = (Instant::now(), 0);
    let mut claiming = Duration::ZERO;
    while start.elapsed() < Duration::from_secs(2) {
        let before = Instant::now();
        let claims = store.claim(&request).await?;
        claiming += before.elapsed();
        if claims.is_empty() {
            break;
        }
        n_lanes += claims.len();
        let tasks = claims.into_iter().map(|claim| {
            let store = store.clone();
            tokio::spawn(async move {
                let last = claim.deliveries.last().map(|last| last.message.position);
                let stream = format!("r-{}", claim.key.stream);
                let appends = if result {
                    vec![append(&stream, 1)?]
                } else {
                    Vec::new()
                };
                let ack = Ack {
                    claim: claim.key,
                    upto: last.unwrap_or_default(),
                    appends,
                    schedules: Vec::new(),
                    refusals: Vec::new(),
                    syncs: Vec::new(),
                };
                store.ack(ack).await?;
                Ok::<_, Error>(())
            })
        });
        for done in try_join_all(tasks).await? {
            done?;
        }
    }
    let what = format!(
        "lanes, {lanes} at a time, {}",
        if result {
            "with a result"
        } else {
            "acked only"
        }
    );
    report(&what, n_lanes as f64, start.elapsed());
    let per_claim = claiming.as_secs_f64() / (n_lanes as f64 / lanes as f64).max(1.0);
    println!("    {:.2} ms per claim", per_claim * 1e3);
    Ok(())
}

async fn idle(store: &Sqlite, group: &GroupId) -> Result<(), Error> {
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(Env::system().ids.next_id()),
        groups: vec![group.clone()],
        lanes: 1_000_000,
        messages_per_lane: 1,
        lease: Duration::from_hours(1),
    };
    while !store.claim(&request).await?.is_empty() {}
    let start = Instant::now();
    for _ in 0..1_000 {
        store.claim(&request).await?;
    }
    report("idle polls", 1_000.0, start.elapsed());
    Ok(())
}

fn report(what: &str, n: f64, time: Duration) {
    println!("{what:40} {:10.0} per second", n / time.as_secs_f64());
}
