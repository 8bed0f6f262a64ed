//! Appends that come at the same time are stored together: what one does must not show in what another gets.

#![allow(clippy::unwrap_used)] // its helpers are outside of `#[test]`, too

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::Schema;
use sourced::backend::{AppendError, Appended, Log as _, ReadStream, Store as _, StreamAppend};
use sourced::env::{Clock as _, Env, SystemClock};
use sourced::{
    ExpectedSeq, Kind, MessageId, NewMessage, Payload, Position, Seq, StreamId, Timestamp, TypeName,
};
use sourced_postgres::Postgres;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinHandle;

type Outcome = Result<Vec<Appended>, AppendError>;

fn event() -> NewMessage {
    NewMessage::root(
        MessageId::from_uuid(Env::system().ids.next_id()),
        Timestamp::from_micros(1_700_000_000_000_000),
        TypeName::new("happened").unwrap(),
        Kind::Event,
        Payload::parse("{}").unwrap(),
    )
}

fn to(stream: &str, expected: ExpectedSeq, messages: &[NewMessage]) -> StreamAppend {
    StreamAppend {
        stream: StreamId::new(stream).unwrap(),
        expected,
        messages: messages.to_vec(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may start tasks")]
fn start(backend: &Postgres, append: StreamAppend) -> JoinHandle<Outcome> {
    let backend = backend.clone();
    tokio::spawn(async move { backend.append(vec![append]).await })
}

/// How many transactions stored what is in the log.
async fn transactions(schema: &Schema, backend: &Postgres) -> i64 {
    let text = "SELECT count(DISTINCT xmin::text) FROM {schema}.messages";
    sqlx::query_scalar(schema.sql(text))
        .fetch_one(backend.pool())
        .await
        .unwrap()
}

/// The seqs of every stream are 1, 2, 3 … in the order of positions.
async fn check_dense(backend: &Postgres) -> usize {
    let log = common::log(backend).await;
    let mut lasts: BTreeMap<&str, u64> = BTreeMap::new();
    for message in &log {
        let last = lasts.entry(message.stream_id.as_str()).or_default();
        *last += 1;
        assert_eq!(message.seq.get(), *last, "{}", message.stream_id);
    }
    log.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_winner_and_same_id_once_hold_for_each_append_of_a_group() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let old = event();
    let there = to("there", ExpectedSeq::Any, std::slice::from_ref(&old));
    let first = backend.append(vec![there]).await.unwrap();

    let mut good = Vec::new();
    let mut conflicts = Vec::new();
    let mut repeated = Vec::new();
    let mut taken = Vec::new();
    let mut too_large = Vec::new();
    let large = NewMessage::root(
        event().id,
        Timestamp::from_micros(0),
        TypeName::new("happened").unwrap(),
        Kind::Event,
        Payload::encode(&"x".repeat(2 << 20)).unwrap(),
    );
    for n in 0..40 {
        let fresh = format!("new-{n}");
        let expected = [
            ExpectedSeq::Any,
            ExpectedSeq::NoStream,
            ExpectedSeq::NoEventAfter(None),
            ExpectedSeq::NoEventAfter(Seq::new(7)),
        ][n % 4];
        good.push(start(&backend, to(&fresh, expected, &[event(), event()])));
        let wrong = [
            ExpectedSeq::NoStream,
            ExpectedSeq::Exactly(Seq::new(7).unwrap()),
            ExpectedSeq::NoEventAfter(None),
        ][n % 3];
        conflicts.push((wrong, start(&backend, to("there", wrong, &[event()]))));
        let again = std::slice::from_ref(&old);
        repeated.push(start(&backend, to("there", wrong, again)));
        taken.push(start(
            &backend,
            to(&format!("other-{n}"), ExpectedSeq::Any, again),
        ));
        let large = std::slice::from_ref(&large);
        too_large.push(start(&backend, to("large", ExpectedSeq::Any, large)));
    }
    for append in good {
        let seqs = append.await.unwrap().unwrap();
        let seqs: Vec<_> = seqs.iter().map(|place| place.seq.get()).collect();
        assert_eq!(seqs, [1, 2]);
    }
    for (wrong, append) in conflicts {
        let error = append.await.unwrap().unwrap_err();
        let AppendError::Conflict {
            stream,
            expected,
            actual,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(stream.as_str(), "there");
        assert_eq!((expected, actual), (wrong, Seq::new(1)));
    }
    for append in repeated {
        let places = append.await.unwrap().unwrap();
        assert!(places[0].already_stored);
        assert_eq!(places[0].position, first[0].position);
    }
    for append in taken {
        let error = append.await.unwrap().unwrap_err();
        assert!(
            matches!(error, AppendError::IdTaken { id } if id == old.id),
            "{error:?}"
        );
    }
    for append in too_large {
        let error = append.await.unwrap().unwrap_err();
        assert!(matches!(error, AppendError::Limit(_)), "{error:?}");
    }
    assert_eq!(check_dense(&backend).await, 81);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_at_the_same_time_share_transactions() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    for round in 0..5 {
        let appends = (0..50).map(|n| {
            let stream = format!("s-{n}");
            let expected = match Seq::new(round) {
                None => ExpectedSeq::NoStream,
                Some(last) => ExpectedSeq::Exactly(last),
            };
            start(&backend, to(&stream, expected, &[event()]))
        });
        for append in appends.collect::<Vec<_>>() {
            assert_eq!(append.await.unwrap().unwrap()[0].seq.get(), round + 1);
        }
    }
    assert_eq!(check_dense(&backend).await, 250);
    let n = transactions(&schema, &backend).await;
    assert!(n < 200, "{n} transactions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_waits_for_no_stream_but_its_own() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let first = to("held", ExpectedSeq::Any, &[event()]);
    backend.append(vec![first]).await.unwrap();
    let mut other = PgConnection::connect(&schema.url).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let hold = "UPDATE {schema}.streams SET version = version WHERE name = 'held';
                INSERT INTO {schema}.streams (name, version, last_event_seq) VALUES ('made', 0, 0)";
    sqlx::raw_sql(schema.sql(hold))
        .execute(&mut *transaction)
        .await
        .unwrap();
    let waiting: Vec<_> = ["held", "made", "held", "made"]
        .map(|stream| start(&backend, to(stream, ExpectedSeq::Any, &[event()])))
        .into();
    for round in 0..5 {
        let others: Vec<_> = (0..20)
            .map(|n| format!("s-{round}-{n}"))
            .map(|stream| start(&backend, to(&stream, ExpectedSeq::Any, &[event()])))
            .collect();
        for append in others {
            append.await.unwrap().unwrap();
        }
    }
    assert!(waiting.iter().all(|append| !append.is_finished()));
    transaction.commit().await.unwrap();
    for append in waiting {
        append.await.unwrap().unwrap();
    }
    assert_eq!(check_dense(&backend).await, 105);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_is_given_up_takes_no_other_with_it() {
    let schema = Schema::new();
    let backend = schema.connect().await;
    let mut acknowledged = 0;
    for round in 0..30_u64 {
        let appends: Vec<_> = (0..16)
            .map(|n| format!("s-{n}"))
            .map(|stream| start(&backend, to(&stream, ExpectedSeq::Any, &[event()])))
            .collect();
        // At different moments: before they start, while they wait for a group, while it is stored.
        SystemClock.sleep(Duration::from_micros(round * 150)).await;
        for append in appends.iter().step_by(3) {
            append.abort();
        }
        for append in appends {
            match append.await {
                Ok(outcome) => acknowledged += outcome.unwrap().len(),
                Err(gone) => assert!(gone.is_cancelled(), "{gone:?}"),
            }
        }
    }
    assert!(acknowledged >= 30 * 10, "{acknowledged}");
    let stored = check_dense(&backend).await;
    assert!(stored >= acknowledged, "{stored} of {acknowledged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_acknowledged_is_stored_once_whatever_connections_are_lost() {
    const WRITERS: usize = 12;
    const EACH: usize = 25;
    let schema = Schema::new();
    let backend = schema.connect().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| write_all(&backend, format!("s-{writer}"), EACH))
        .collect();
    let mut other = PgConnection::connect(&schema.url).await.unwrap();
    for _ in 0..40 {
        // Those of this schema alone: other tests share the server.
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE pid <> pg_backend_pid() AND position($1 IN query) > 0",
        )
        .bind(format!("\"{}\".append", schema.name))
        .execute(&mut other)
        .await
        .unwrap();
        SystemClock.sleep(Duration::from_millis(15)).await;
    }
    for (writer, task) in writers.into_iter().enumerate() {
        let acknowledged = task.await.unwrap();
        let stream = StreamId::new(format!("s-{writer}")).unwrap();
        let stored = backend.read_stream(ReadStream::all(stream)).await.unwrap();
        let stored: Vec<_> = stored
            .iter()
            .map(|message| (message.id, message.seq, message.position))
            .collect();
        assert_eq!(stored, acknowledged);
    }
    assert_eq!(check_dense(&backend).await, WRITERS * EACH);
}

/// Appends one message after the other, each as often as it takes.
#[expect(clippy::disallowed_methods, reason = "a test may start tasks")]
fn write_all(
    backend: &Postgres,
    stream: String,
    n: usize,
) -> JoinHandle<Vec<(MessageId, Seq, Position)>> {
    let backend = backend.clone();
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for nth in 0..n {
            let last = Seq::new(u64::try_from(nth).unwrap());
            let expected = ExpectedSeq::NoEventAfter(last);
            let append = to(&stream, expected, &[event()]);
            let place = loop {
                match backend.append(vec![append.clone()]).await {
                    Ok(places) => break places[0].clone(),
                    Err(AppendError::Backend(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            };
            acknowledged.push((place.id, place.seq, place.position));
        }
        acknowledged
    })
}
