//! *acked-is-durable*: what was reported as done is there for everybody, whatever becomes of who did it.

use sourced::backend::Refusal;
use sourced::{Kind, Payload};

use super::super::Harness;
use super::super::fixtures::*;
use super::super::steps::{DOCS, Step, doc, steps};

pub async fn an_append_is_seen_by_other_processes<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let other = harness.another(&store, &guard).await;
    let messages = vec![message(Kind::Event, HAPPENED, "{\"n\":1}"), command()];
    append(&store, "a", messages.clone()).await;
    assert_eq!(stored_ids(&read(&other, "a").await), ids_of(&messages));
    assert_eq!(
        other.log_end().await.unwrap(),
        store.log_end().await.unwrap()
    );
}

pub async fn everything_is_there_after_the_writer_is_gone<H: Harness>(harness: &H) {
    let (store, guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let command = command();
    append(&store, "a", [command.clone(), event()]).await;
    let claim = worker.claim(&store).await;
    let refusal = Refusal {
        command: command.id,
        reason: "no".to_owned(),
    };
    let mut ack = ack_upto(&claim, 1);
    ack.refusals = vec![refusal.clone()];
    ack.syncs = vec![steps([Step::Put("k", 7)])];
    store.ack(ack).await.unwrap();

    let survivor = harness.another(&store, &guard).await;
    drop(store);
    assert_eq!(seqs(&read(&survivor, "a").await), [1, 2]);
    let found = survivor.refusal(command.id).await.unwrap();
    assert_eq!(found, Some(refusal));
    assert_eq!(doc(&survivor, "k").await, Some(7));
    let value = survivor.document(DOCS, "k").await.unwrap();
    assert_eq!(value, Some(Payload::parse("7").unwrap()));
    let rest = worker.claim(&survivor).await;
    assert_eq!(rest.deliveries.len(), 1);
    assert_eq!(rest.deliveries[0].message.seq, seq(2));
}
