//! Messages that are large: however many of them wait, a batch has a bound in bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sourced::backend::{BackendError, GroupOrder, StreamAppend, SyncAction, Tx};
use sourced::prelude::*;
use sourced::reactor::{Batch, Handled, Needs, Reactor, Register};
use sourced::{
    ExpectedSeq, GroupId, Kind, MessageId, NewMessage, Payload, Timestamp, TypeName, WorkerOptions,
};

use crate::backends::On;

const BYTES: usize = 32 * 1024;
const STREAMS: usize = 60;
const ROUNDS: usize = 20;

/// Writes down the bytes of each batch.
#[derive(Debug)]
struct Scale {
    group: GroupId,
    needs: Needs,
    order: GroupOrder,
    takes_stretches: bool,
}

impl Scale {
    fn reactor(name: &str, order: GroupOrder, takes_stretches: bool) -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: GroupId::new(name).unwrap(),
            needs: Needs::default(),
            order,
            takes_stretches,
        })
    }
}

struct OfLanes;
struct OfTheLog;
struct OfStretches;

impl Register for OfLanes {
    fn reactor() -> Arc<dyn Reactor> {
        Scale::reactor("lanes", GroupOrder::PerStream, false)
    }
}

impl Register for OfTheLog {
    fn reactor() -> Arc<dyn Reactor> {
        Scale::reactor("log", GroupOrder::Global, false)
    }
}

impl Register for OfStretches {
    fn reactor() -> Arc<dyn Reactor> {
        Scale::reactor("stretches", GroupOrder::PerStream, true)
    }
}

#[async_trait]
impl Reactor for Scale {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        vec![TypeName::new("crate.weighed").unwrap()]
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }

    fn order(&self) -> GroupOrder {
        self.order
    }

    fn takes_stretches(&self) -> bool {
        self.takes_stretches
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let sizes = batch
            .deliveries
            .iter()
            .map(|next| next.message.payload.as_str().len());
        let weighed = Weighed {
            collection: self.group.to_string(),
            first: batch.deliveries[0].message.position.get(),
            sizes: sizes.collect(),
        };
        Ok(Handled {
            upto: batch.deliveries.last().map(|last| last.message.position),
            syncs: vec![Arc::new(weighed)],
            ..Handled::default()
        })
    }
}

#[derive(Debug)]
struct Weighed {
    collection: String,
    first: u64,
    sizes: Vec<usize>,
}

#[async_trait]
impl SyncAction for Weighed {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let key = format!("{:08}", self.first);
        tx.put(&self.collection, &key, &self.sizes).await
    }
}

/// One in fifty is larger than a batch may be.
fn size(nth: usize) -> usize {
    if nth.is_multiple_of(50) {
        BYTES + 1_000
    } else {
        10_000
    }
}

fn weighed(nth: usize) -> NewMessage {
    let text = "x".repeat(size(nth) - 2);
    NewMessage::root(
        MessageId::from_uuid(sourced::env::Env::system().ids.next_id()),
        Timestamp::from_micros(0),
        TypeName::new("crate.weighed").unwrap(),
        Kind::Event,
        Payload::parse(format!(r#""{text}""#)).unwrap(),
    )
}

pub async fn a_batch_is_bounded_in_bytes_however_much_waits(on: On) {
    let app = on
        .builder()
        .workers(WorkerOptions::default().bytes_per_claim(BYTES))
        .register::<OfLanes>()
        .register::<OfTheLog>()
        .register::<OfStretches>()
        .build()
        .await
        .unwrap();
    for round in 0..ROUNDS {
        let append = |stream| StreamAppend {
            stream: StreamId::new(format!("crate-{stream}")).unwrap(),
            expected: ExpectedSeq::Any,
            messages: vec![weighed(round * STREAMS + stream)],
        };
        let appends = (0..STREAMS).map(append).collect();
        app.backend().append(appends).await.unwrap();
    }
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    let mut expected = BTreeMap::<usize, usize>::new();
    for nth in 0..STREAMS * ROUNDS {
        *expected.entry(size(nth)).or_default() += 1;
    }
    for group in ["lanes", "log", "stretches"] {
        let batches: Vec<(String, Vec<usize>)> =
            app.documents(group, None, STREAMS * ROUNDS).await.unwrap();
        let mut found = BTreeMap::<usize, usize>::new();
        for (first, sizes) in &batches {
            let bytes: usize = sizes.iter().sum();
            assert!(
                bytes <= BYTES || sizes.len() == 1,
                "{group}, {first}: {sizes:?}"
            );
            for size in sizes {
                *found.entry(*size).or_default() += 1;
            }
        }
        assert_eq!(found, expected, "{group}: each once");
        let fullest = batches.iter().map(|(_, sizes)| sizes.len()).max();
        assert_eq!(fullest, Some(3), "{group}: as many as fit");
    }
}
