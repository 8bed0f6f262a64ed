//! *history-goes-on*: whoever knows of events that the log does not have is told so. A database that was set back has shorter
//! streams, or other events in their places.

use std::sync::Arc;

use sourced::backend::{
    AppendError, Appended, Backend, LastEvent, StreamAppend, Truncation, UnitCommit, Units as _,
    Upkeep as _,
};
use sourced::{ExpectedSeq, Seq};

use super::super::Harness;
use super::super::fixtures::*;

fn is_last(of: &Appended) -> ExpectedSeq {
    let (seq, id) = (of.seq, of.id);
    ExpectedSeq::LastEvent(LastEvent { seq, id })
}

/// An event of this seq that is stored nowhere.
fn lost(number: u64) -> ExpectedSeq {
    let (seq, id) = (seq(number), event().id);
    ExpectedSeq::LastEvent(LastEvent { seq, id })
}

async fn is_refused(
    store: &impl Backend,
    appends: Vec<StreamAppend>,
    wrong: ExpectedSeq,
    actual: u64,
) {
    let before = log(store).await;
    match store.append(appends).await.unwrap_err() {
        AppendError::Conflict {
            expected,
            actual: found,
            ..
        } => assert_eq!((expected, found), (wrong, Seq::new(actual))),
        error => panic!("not a conflict: {error:?}"),
    }
    assert_eq!(log(store).await, before);
}

pub async fn the_last_event_is_not_disturbed_by_commands<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let first = append(&store, "a", [command(), event(), command()]).await;
    let append = to("a", is_last(&first[1]), [command(), event()]);
    let second = store.append(vec![append]).await.unwrap();
    let wrong = is_last(&first[1]);
    is_refused(&store, vec![to("a", wrong, [event()])], wrong, 5).await;
    let append = to("a", is_last(&second[1]), [event()]);
    assert_eq!(store.append(vec![append]).await.unwrap()[0].seq, seq(6));
}

pub async fn a_command_is_not_the_last_event<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let stored = append(&store, "a", [event(), command()]).await;
    let wrong = is_last(&stored[1]);
    is_refused(&store, vec![to("a", wrong, [event()])], wrong, 1).await;
}

pub async fn a_shorter_stream_is_a_conflict<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", [event(), event(), command()]).await;
    for number in [3, 4, 1_000] {
        let wrong = lost(number);
        is_refused(&store, vec![to("a", wrong, [event()])], wrong, 2).await;
        is_refused(&store, vec![to("b", wrong, [event()])], wrong, 0).await;
    }
    // Nothing was made of a stream that is not there.
    let first = to("b", ExpectedSeq::NoStream, [event()]);
    store.append(vec![first]).await.unwrap();
}

pub async fn another_event_in_its_place_is_a_conflict<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    append(&store, "a", events(2)).await;
    let elsewhere = append(&store, "b", events(2)).await;
    for wrong in [lost(1), lost(2), is_last(&elsewhere[1])] {
        is_refused(&store, vec![to("a", wrong, [event()])], wrong, 2).await;
        let guarded = vec![
            to("c", ExpectedSeq::Any, [event()]),
            StreamAppend::guard(stream("a"), wrong),
        ];
        is_refused(&store, guarded, wrong, 2).await;
    }
}

pub async fn a_retry_is_recognised_before_it_is_looked_at<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let last = append(&store, "a", events(2)).await.remove(1);
    let retried = to("a", is_last(&last), events(2));
    let first = store.append(vec![retried.clone()]).await.unwrap();
    append(&store, "a", [event()]).await;
    let again = store.append(vec![retried]).await.unwrap();
    assert!(again.iter().all(|appended| appended.already_stored));
    assert_eq!(again[1].position, first[1].position);
}

pub async fn a_removed_event_is_still_the_last_one<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let last = append(&store, "a", events(2)).await.remove(1);
    let truncation = Truncation {
        stream: stream("a"),
        upto: seq(2),
        bases: Vec::new(),
    };
    store.truncate_stream(&truncation).await.unwrap();
    let wrong = lost(2);
    is_refused(&store, vec![to("a", wrong, [event()])], wrong, 2).await;
    let next = to("a", is_last(&last), [event()]);
    assert_eq!(store.append(vec![next]).await.unwrap()[0].seq, seq(3));
}

pub async fn acks_and_units_are_told_too<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let worker = Worker::of(&store, "g").await;
    let last = append(&store, "a", [event()]).await.remove(0);
    let claim = worker.claim(&store).await;
    for expected in [lost(1), lost(2)] {
        let mut ack = ack_all(&claim);
        ack.appends = vec![to("a", expected, [other()])];
        assert!(store.ack(ack).await.unwrap_err().is_conflict());
        let unit = UnitCommit {
            appends: vec![to("a", expected, [other()])],
            ..UnitCommit::default()
        };
        assert!(store.commit_unit(unit).await.unwrap_err().is_conflict());
    }
    let mut ack = ack_all(&claim);
    ack.appends = vec![to("a", is_last(&last), [other()])];
    let last = store.ack(ack).await.unwrap().remove(0);
    let unit = UnitCommit {
        appends: vec![to("a", is_last(&last), [other()])],
        ..UnitCommit::default()
    };
    store.commit_unit(unit).await.unwrap();
}

/// Those of several writers that come at once may be stored together.
pub async fn many_writers_at_once_are_told_each<H: Harness>(harness: &H) {
    let (store, _guard) = harness.fresh().await;
    let store = Arc::new(store);
    let mut ends = Vec::new();
    for n in 0..32 {
        ends.push(append(&*store, format!("s-{n}"), events(3)).await.remove(2));
    }
    let writers = ends.into_iter().enumerate().map(|(n, end)| {
        let store = Arc::clone(&store);
        spawn(async move {
            let expected = match n % 4 {
                0 => lost(3),
                1 => lost(5),
                _ => is_last(&end),
            };
            let appends = vec![to(format!("s-{n}"), expected, [event()])];
            let result = store.append(appends).await;
            assert_eq!(result.is_ok(), n % 4 > 1, "{result:?}");
            assert!(result.is_ok() || result.unwrap_err().is_conflict());
        })
    });
    join(writers.collect()).await;
}
