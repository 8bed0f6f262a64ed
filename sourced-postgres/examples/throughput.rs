//! Measures appends, and claims with acknowledgements: `cargo run --release --example throughput -p sourced-postgres`.
//!
//! `SOURCED_TEST_POSTGRES_URL` names a server; without it, a throw-away one is started.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints what it found, or ends"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Duration;

use common::Schema;
use sourced::backend::{
    Ack, ClaimRequest, Claims as _, Group, Groups as _, StartFrom, Store as _, StreamAppend,
    WorkerId,
};
use sourced::env::Env;
use sourced::{ExpectedSeq, GroupId, Kind, NewMessage, Payload, StreamId, Timestamp, TypeName};
use sourced_postgres::Postgres;

fn event(env: &Env) -> NewMessage {
    NewMessage::root(
        env.ids.next_id().into(),
        env.clock.now(),
        TypeName::new("happened").unwrap(),
        Kind::Event,
        Payload::parse(
            r#"{"sku":"a-17","quantity":3,"note":"some fifty bytes of text to have a size"}"#,
        )
        .unwrap(),
    )
}

fn to(stream: String, message: NewMessage) -> StreamAppend {
    StreamAppend {
        stream: StreamId::new(stream).unwrap(),
        expected: ExpectedSeq::Any,
        messages: vec![message],
    }
}

fn per_second(env: &Env, start: Timestamp, n: usize) -> u128 {
    let micros = env.clock.now().saturating_since(start).as_micros().max(1);
    n as u128 * 1_000_000 / micros
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let env = Env::system();
    let schema = Schema::new();
    let backend = Postgres::builder(&schema.url)
        .schema(&schema.name)
        .pool_size(34)
        .connect()
        .await
        .unwrap();
    let id = GroupId::new("g").unwrap();
    let types = vec![TypeName::new("happened").unwrap()];
    let group = Group {
        id: id.clone(),
        types,
        start_from: StartFrom::Beginning,
    };
    backend.register_group(&group).await.unwrap();

    for tasks in [1, 8, 32] {
        let each = if tasks == 1 { 1_000 } else { 8_000 / tasks };
        let start = env.clock.now();
        let all: Vec<_> = (0..tasks)
            .map(|task| {
                let (backend, env) = (backend.clone(), env.clone());
                spawn(async move {
                    for n in 0..each {
                        let stream = format!("s-{task}-{}", n % 100);
                        backend.append(vec![to(stream, event(&env))]).await.unwrap();
                    }
                })
            })
            .collect();
        for task in all {
            task.await.unwrap();
        }
        println!(
            "appends/s with {tasks} tasks: {}",
            per_second(&env, start, tasks * each)
        );
    }

    let start = env.clock.now();
    let mut n_lanes = 0;
    let mut n_messages = 0;
    let request = ClaimRequest {
        worker: WorkerId::from_uuid(env.ids.next_id()),
        groups: vec![id.clone()],
        lanes: 32,
        messages_per_lane: 10,
        lease: Duration::from_mins(1),
    };
    loop {
        let claims = backend.claim(&request).await.unwrap();
        if claims.is_empty() {
            break;
        }
        n_lanes += claims.len();
        let acks = claims.into_iter().map(|claim| {
            n_messages += claim.deliveries.len();
            let ack = Ack {
                upto: claim.deliveries.last().unwrap().message.position,
                schedules: Vec::new(),
                appends: vec![to(format!("out-{}", claim.key.stream), {
                    let mut message = event(&env);
                    message.type_name = TypeName::new("other").unwrap();
                    message
                })],
                claim: claim.key,
                refusals: Vec::new(),
                syncs: Vec::new(),
            };
            let backend = backend.clone();
            spawn(async move { backend.ack(ack).await.unwrap() })
        });
        for ack in acks.collect::<Vec<_>>() {
            ack.await.unwrap();
        }
    }
    println!(
        "claims + acks/s with an append each: {} lanes, {} messages ({n_lanes} lanes in all)",
        per_second(&env, start, n_lanes),
        per_second(&env, start, n_messages)
    );

    let start = env.clock.now();
    for _ in 0..1_000 {
        assert!(backend.claim(&request).await.unwrap().is_empty());
    }
    println!("idle polls/s: {}", per_second(&env, start, 1_000));
}

#[expect(clippy::disallowed_methods, reason = "a test may start tasks")]
fn spawn<F: Future<Output: Send + 'static> + Send + 'static>(
    future: F,
) -> tokio::task::JoinHandle<F::Output> {
    tokio::spawn(future)
}
