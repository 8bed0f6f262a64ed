//! Guards: what is expected of a stream that is only read.

use std::sync::Arc;

use sourced::backend::{
    AppendError, Backend, Lane, StreamAppend, UnitCommit, UnitError, Units as _,
};
use sourced::{ExpectedSeq, Seq};

use super::super::Harness;
use super::super::fixtures::*;

fn guard(name: &str, expected: ExpectedSeq) -> StreamAppend {
    StreamAppend::guard(stream(name), expected)
}

fn after(last_event: u64) -> ExpectedSeq {
    ExpectedSeq::NoEventAfter(Seq::new(last_event))
}

fn is_conflict(error: &AppendError, name: &str, wrong: ExpectedSeq, really: Option<Seq>) {
    match error {
        AppendError::Conflict {
            stream: found,
            expected,
            actual,
        } => assert_eq!((found, *expected, *actual), (&stream(name), wrong, really)),
        error => panic!("not a conflict: {error:?}"),
    }
}

pub async fn a_guard_on_a_stream_as_it_was_seen_stores_nothing_in_it<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "b", [event(), command()]).await;
    let before = read(&store, "b").await;
    for expected in [after(1), after(9), ExpectedSeq::Exactly(seq(2))] {
        let appends = vec![
            guard("b", expected),
            to("a", ExpectedSeq::Any, [event()]),
            guard("c", ExpectedSeq::Any),
        ];
        assert_eq!(store.append(appends).await.unwrap().len(), 1);
    }
    assert_eq!(read(&store, "b").await, before);
    assert_eq!(seqs(&read(&store, "a").await), [1, 2, 3]);
    // Nothing was drawn for it, and the next one is the third.
    assert_eq!(append(&store, "b", [event()]).await[0].seq, seq(3));
    assert_eq!(log(&store).await.len(), 6);
}

pub async fn a_guard_that_is_wrong_names_its_stream_and_stores_nothing_anywhere<H: Harness>(
    harness: &H,
) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "b", [event(), event(), command()]).await;
    for (wrong, really) in [
        (after(0), 2),
        (after(1), 2),
        (ExpectedSeq::Exactly(seq(2)), 3),
        (ExpectedSeq::NoStream, 3),
    ] {
        for name in ["a", "c"] {
            let appends = vec![to(name, ExpectedSeq::Any, [event()]), guard("b", wrong)];
            let error = store.append(appends).await.unwrap_err();
            is_conflict(&error, "b", wrong, Seq::new(really));
            assert!(read(&store, name).await.is_empty());
        }
    }
}

pub async fn a_stream_nobody_wrote_to_is_guarded_and_stays_empty<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for expected in [after(0), ExpectedSeq::NoStream] {
        let appends = vec![to("a", ExpectedSeq::Any, [event()]), guard("b", expected)];
        store.append(appends).await.unwrap();
    }
    let wrong = ExpectedSeq::Exactly(seq(1));
    let appends = vec![to("a", ExpectedSeq::Any, [event()]), guard("b", wrong)];
    let error = store.append(appends).await.unwrap_err();
    is_conflict(&error, "b", wrong, None);
    assert!(read(&store, "b").await.is_empty());
    // It is as new as any other.
    let first = to("b", ExpectedSeq::NoStream, [command()]);
    assert_eq!(store.append(vec![first]).await.unwrap()[0].seq, seq(1));
    let appends = vec![to("a", ExpectedSeq::Any, [event()]), guard("b", after(0))];
    store.append(appends).await.unwrap(); // a command is no event
    append(&store, "b", [event()]).await;
    let appends = vec![to("a", ExpectedSeq::Any, [event()]), guard("b", after(0))];
    let error = store.append(appends).await.unwrap_err();
    is_conflict(&error, "b", after(0), Seq::new(2));
    assert_eq!(seqs(&read(&store, "a").await), [1, 2, 3]);
}

pub async fn guards_alone_are_checked_and_store_nothing<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    let right = vec![guard("a", after(1)), guard("b", after(0))];
    assert_eq!(store.append(right).await.unwrap(), []);
    let wrong = vec![guard("a", after(0)), guard("b", after(0))];
    let error = store.append(wrong).await.unwrap_err();
    is_conflict(&error, "a", after(0), Seq::new(1));
    assert_eq!(log(&store).await.len(), 1);
}

pub async fn guards_are_not_looked_at_again_in_a_retry<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let mut appends = vec![
        to("a", after(0), [event()]),
        to("c", ExpectedSeq::Any, [event()]),
        guard("b", after(0)),
    ];
    let first = store.append(appends.clone()).await.unwrap();
    append(&store, "b", [event()]).await;
    let again = store.append(appends.clone()).await.unwrap();
    assert!(again.iter().all(|place| place.already_stored));
    assert_eq!(again[0].position, first[0].position);
    // With a message that is new it is another decision.
    appends[1].messages.push(event());
    match store.append(appends).await.unwrap_err() {
        AppendError::IdTaken { id } => assert_eq!(id, first[0].id),
        error => panic!("{error:?}"),
    }
    assert_eq!(read(&store, "c").await.len(), 1);
}

pub async fn a_guard_is_checked_by_an_ack_and_a_unit_too<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    append(&store, "b", [other()]).await;
    append(&store, "a", [event()]).await;
    let claim = worker.claim(&store).await;
    for (expected, is_right) in [(after(0), false), (after(1), true)] {
        let mut ack = ack_all(&claim);
        ack.appends = vec![guard("b", expected)];
        let result = store.ack(ack).await;
        assert_eq!(result.is_ok(), is_right, "{result:?}");
        assert!(is_right || result.unwrap_err().is_conflict());
    }
    for (expected, is_right) in [(after(0), false), (after(1), true)] {
        let unit = UnitCommit {
            appends: vec![
                to("c", ExpectedSeq::Any, [event()]),
                guard("b", expected),
                guard("d", after(0)),
            ],
            settled: vec![Lane {
                group: group("g"),
                stream: stream("c"),
            }],
            ..UnitCommit::default()
        };
        let result = store.commit_unit(unit).await;
        assert_eq!(result.is_ok(), is_right, "{result:?}");
        assert!(is_right || result.unwrap_err().is_conflict());
    }
    assert!(worker.try_claim(&store).await.is_empty());
    let on_nothing = UnitCommit {
        appends: vec![guard("c", after(1))],
        settled: vec![Lane {
            group: group("g"),
            stream: stream("c"),
        }],
        ..UnitCommit::default()
    };
    let result = store.commit_unit(on_nothing).await;
    assert!(
        matches!(result, Err(UnitError::Backend(_))),
        "a guard gives a lane nothing to settle: {result:?}"
    );
}

/// Two writers, each into its own stream if the other's is as it was: only one may be right, in each of many rounds.
async fn skew<B: Backend>(store: &Arc<B>, first: u64, rounds: u64) {
    for round in first..first + rounds {
        let writers = [("a", "b"), ("b", "a")].map(|(own, read)| {
            let store = Arc::clone(store);
            spawn(async move {
                let append = to(own, ExpectedSeq::Any, [event()]);
                store.append(vec![append, guard(read, after(round))]).await
            })
        });
        let mut n_stored = 0;
        for result in join(writers.into()).await {
            match result {
                Ok(_) => n_stored += 1,
                Err(error) => assert!(error.is_conflict(), "{error:?}"),
            }
        }
        assert_eq!(n_stored, 1, "both saw the other's stream as it was");
        // Both have the same length again.
        for name in ["a", "b"] {
            if read(&**store, name).await.len() as u64 == round {
                append(&**store, name, [event()]).await;
            }
        }
    }
}

pub async fn one_winner_of_decisions_that_read_each_other_s_streams<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    append(&store, "b", [event()]).await;
    skew(&Arc::new(store), 1, 20).await;
}

pub async fn one_winner_of_the_first_messages_of_streams_that_guard_each_other<H: Harness>(
    harness: &H,
) {
    for _ in 0..5 {
        let (store, _guard) = harness.fresh().await;
        skew(&Arc::new(store), 0, 1).await;
    }
}

pub async fn a_guarded_stream_can_be_written_by_others_afterwards<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let store = Arc::new(store);
    let writers = (0..8).map(|n| {
        let store = Arc::clone(&store);
        spawn(async move {
            for _ in 0..5 {
                if n % 2 == 0 {
                    append(&*store, "b", [event()]).await;
                } else {
                    let append = to("a", ExpectedSeq::Any, [event()]);
                    let any_end = after(u64::from(u32::MAX));
                    store
                        .append(vec![append, guard("b", any_end)])
                        .await
                        .unwrap();
                }
            }
        })
    });
    join(writers.collect()).await;
    let expected: Vec<u64> = (1..=20).collect();
    assert_eq!(seqs(&read(&*store, "a").await), expected);
    assert_eq!(seqs(&read(&*store, "b").await), expected);
}
