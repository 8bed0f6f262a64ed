//! *one-winner*: of concurrent appends expecting the same end of a stream, exactly one wins.

use std::sync::Arc;

use sourced::backend::{AppendError, Backend};
use sourced::{ExpectedSeq, Seq};

use super::super::Harness;
use super::super::fixtures::*;

pub async fn any_appends_wherever_the_stream_ends<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    for expected in 1..=3 {
        assert_eq!(append(&store, "a", [event()]).await[0].seq, seq(expected));
    }
}

pub async fn no_stream_is_right_only_before_the_first_message<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    is_right(&store, ExpectedSeq::NoStream).await;
    is_wrong(&store, ExpectedSeq::NoStream, Seq::new(1)).await;
}

pub async fn exactly_is_right_only_for_the_last_seq<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    is_wrong(&store, ExpectedSeq::Exactly(seq(1)), None).await;
    append(&store, "a", [event(), command()]).await;
    is_wrong(&store, ExpectedSeq::Exactly(seq(1)), Seq::new(2)).await;
    is_wrong(&store, ExpectedSeq::Exactly(seq(3)), Seq::new(2)).await;
    is_right(&store, ExpectedSeq::Exactly(seq(2))).await;
    is_wrong(&store, ExpectedSeq::Exactly(seq(2)), Seq::new(3)).await;
}

pub async fn no_event_after_is_not_disturbed_by_commands<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [command(), command()]).await;
    is_right(&store, ExpectedSeq::NoEventAfter(None)).await;
    // The event is the third message now.
    append(&store, "a", [command(), command()]).await;
    is_right(&store, ExpectedSeq::NoEventAfter(Seq::new(3))).await;
    is_right(&store, ExpectedSeq::NoEventAfter(Seq::new(6))).await;
}

pub async fn no_event_after_notices_every_later_event<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event()]).await;
    is_wrong(&store, ExpectedSeq::NoEventAfter(None), Seq::new(1)).await;
    append(&store, "a", [command(), event(), command()]).await;
    is_wrong(&store, ExpectedSeq::NoEventAfter(Seq::new(1)), Seq::new(3)).await;
    is_wrong(&store, ExpectedSeq::NoEventAfter(Seq::new(2)), Seq::new(3)).await;
    is_right(&store, ExpectedSeq::NoEventAfter(Seq::new(4))).await;
}

pub async fn no_event_after_looks_at_its_own_stream_only<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "b", events(3)).await;
    is_right(&store, ExpectedSeq::NoEventAfter(None)).await;
}

pub async fn of_concurrent_first_appends_exactly_one_wins<H: Harness>(harness: &H) {
    for expected in [ExpectedSeq::NoStream, ExpectedSeq::NoEventAfter(None)] {
        let (store, _guard) = harness.fresh().await;
        let store = Arc::new(store);
        race(&store, expected, 1).await;
    }
}

pub async fn of_concurrent_appends_exactly_one_wins_each_round<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let store = Arc::new(store);
    append(&*store, "a", [event()]).await;
    for round in 1..=5 {
        race(&store, ExpectedSeq::Exactly(seq(round)), round + 1).await;
    }
    for round in 6..=10 {
        let expected = ExpectedSeq::NoEventAfter(Seq::new(round));
        race(&store, expected, round + 1).await;
    }
}

/// Sixteen writers expect the same; one gets `wins`, all others are told so.
async fn race<B: Backend>(store: &Arc<B>, expected: ExpectedSeq, wins: u64) {
    let writers = (0..16).map(|_| {
        let store = Arc::clone(store);
        spawn(async move { store.append(vec![to("a", expected, [event()])]).await })
    });
    let mut winners = 0;
    for result in join(writers.collect()).await {
        match result {
            Ok(appended) => {
                assert_eq!(appended[0].seq, seq(wins));
                winners += 1;
            }
            Err(AppendError::Conflict { actual, .. }) => assert_eq!(actual, Seq::new(wins)),
            Err(error) => panic!("not a conflict: {error:?}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(read(&**store, "a").await.len() as u64, wins);
}

/// One event can be appended to stream `a`.
async fn is_right(store: &impl Backend, expected: ExpectedSeq) {
    let message = event();
    let appends = vec![to("a", expected, [message.clone()])];
    store.append(appends).await.unwrap();
    assert!(store.find(message.id).await.unwrap().is_some());
}

/// The conflict says what stream `a` really ends with, and nothing is stored.
async fn is_wrong(store: &impl Backend, wrong: ExpectedSeq, really: Option<Seq>) {
    let before = read(store, "a").await;
    let error = store.append(vec![to("a", wrong, [event()])]).await;
    match error.unwrap_err() {
        AppendError::Conflict {
            stream,
            expected,
            actual,
        } => {
            assert_eq!(stream.as_str(), "a");
            assert_eq!(expected, wrong);
            assert_eq!(actual, really, "expected {expected:?}");
        }
        error => panic!("not a conflict: {error:?}"),
    }
    assert_eq!(read(store, "a").await, before);
}
