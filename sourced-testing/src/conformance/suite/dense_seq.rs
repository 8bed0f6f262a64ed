//! *dense-seq*: the seqs of a stream are 1, 2, 3 … without holes.

use std::sync::Arc;

use sourced::ExpectedSeq;

use super::super::Harness;
use super::super::fixtures::*;

pub async fn commands_and_events_share_the_numbers<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [command(), event()]).await;
    append(&store, "a", [command()]).await;
    append(&store, "a", [event(), event()]).await;
    assert_eq!(seqs(&read(&store, "a").await), [1, 2, 3, 4, 5]);
}

pub async fn a_refused_append_leaves_no_hole<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    for _ in 0..3 {
        let refused = vec![
            to("a", ExpectedSeq::Any, events(2)),
            to("b", ExpectedSeq::Exactly(seq(7)), [event()]),
        ];
        store.append(refused).await.unwrap_err();
    }
    assert_eq!(append(&store, "a", [event()]).await[0].seq, seq(2));
    assert_eq!(append(&store, "b", [event()]).await[0].seq, seq(1));
}

pub async fn seqs_have_no_holes_over_concurrent_appends<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let store = Arc::new(store);
    let writers = (0..16).map(|_| {
        let store = Arc::clone(&store);
        spawn(async move {
            for n in [1, 2, 3] {
                append(&*store, "a", events(n)).await;
            }
        })
    });
    join(writers.collect()).await;
    let expected: Vec<u64> = (1..=16 * 6).collect();
    assert_eq!(seqs(&read(&*store, "a").await), expected);
}

pub async fn appends_over_the_same_streams_do_not_block_each_other<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let store = Arc::new(store);
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        spawn(async move {
            for _ in 0..5 {
                let mut names = ["a", "b", "c"];
                names.rotate_left(writer % 3);
                if writer % 2 == 0 {
                    names.reverse();
                }
                let appends = names.map(|name| to(name, ExpectedSeq::Any, events(2)));
                store.append(appends.to_vec()).await.unwrap();
            }
        })
    });
    join(writers.collect()).await;
    let expected: Vec<u64> = (1..=8 * 5 * 2).collect();
    for name in ["a", "b", "c"] {
        assert_eq!(seqs(&read(&*store, name).await), expected);
    }
}
