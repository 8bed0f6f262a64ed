//! A faulty backend keeps all promises while nobody asks for faults, and fails as it is told when somebody does.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::sync::Arc;
use std::time::Duration;

use sourced::backend::{AppendError, Log as _, ReadStream, Store as _, StreamAppend, Wake as _};
use sourced::env::{Clock as _, Env};
use sourced::{ExpectedSeq, Memory, NewMessage, Payload, StreamId, Timestamp};
use sourced_testing::conformance::Harness;
use sourced_testing::{Faulty, ManualClock, Op, Script};

struct InFaultyMemory;

impl Harness for InFaultyMemory {
    type Backend = Faulty<Memory>;
    type Guard = ManualClock;

    async fn fresh(&self) -> (Faulty<Memory>, ManualClock) {
        let clock = ManualClock::new();
        let (faulty, _) = Faulty::new(Memory::with_clock(Arc::new(clock.clone())));
        (faulty, clock)
    }

    async fn another(&self, backend: &Faulty<Memory>, _: &ManualClock) -> Faulty<Memory> {
        backend.clone()
    }

    async fn advance(&self, _: &Faulty<Memory>, clock: &ManualClock, by: Duration) {
        clock.advance(by);
    }

    fn now(&self, clock: &ManualClock) -> Timestamp {
        clock.now()
    }
}

sourced_testing::conformance!(InFaultyMemory);

#[sourced::event("bell.rang")]
struct Rang;

fn ring(expected: ExpectedSeq) -> Vec<StreamAppend> {
    let env = Env::system();
    let id = env.ids.next_id().into();
    let name = sourced::TypeName::of::<Rang>();
    let payload = Payload::encode(&()).unwrap();
    let message = NewMessage::root(id, env.clock.now(), name, sourced::Kind::Event, payload);
    vec![StreamAppend {
        stream: StreamId::new("bell-1").unwrap(),
        expected,
        messages: vec![message],
    }]
}

fn faulty() -> (Faulty<Memory>, Script) {
    Faulty::new(Memory::new())
}

async fn n_rung(backend: &Faulty<Memory>) -> usize {
    let read = ReadStream::all(StreamId::new("bell-1").unwrap());
    backend.read_stream(read).await.unwrap().len()
}

#[tokio::test]
async fn a_refused_call_does_nothing() {
    let (backend, script) = faulty();
    script.refuse(Op::Append);
    let refused = backend.append(ring(ExpectedSeq::Any)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Backend(error) if error.is_transient()));
    assert_eq!((n_rung(&backend).await, script.n_left()), (0, 0));
    backend.append(ring(ExpectedSeq::Any)).await.unwrap();
    assert_eq!(n_rung(&backend).await, 1);
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_done() {
    let (backend, script) = faulty();
    script.lose_answer(Op::Append);
    let lost = backend.append(ring(ExpectedSeq::Any)).await.unwrap_err();
    assert!(matches!(lost, AppendError::Backend(error) if error.is_transient()));
    assert_eq!(n_rung(&backend).await, 1);
}

#[tokio::test]
async fn a_conflict_is_told_to_those_who_expect_something_only() {
    let (backend, script) = faulty();
    script.conflict(Op::Append);
    let error = backend.append(ring(ExpectedSeq::NoStream)).await;
    assert!(error.unwrap_err().is_conflict());
    script.conflict(Op::Append);
    let error = backend.append(ring(ExpectedSeq::Any)).await;
    assert!(
        !error.unwrap_err().is_conflict(),
        "nobody could have been faster"
    );
    assert_eq!(n_rung(&backend).await, 0);
}

#[tokio::test]
async fn a_held_call_waits_until_it_is_let_go() {
    let (backend, script) = faulty();
    let mut held = script.hold(Op::Append);
    let append = backend.append(ring(ExpectedSeq::Any));
    let let_go = async {
        held.arrived().await;
        assert_eq!(n_rung(&backend).await, 0);
        held.let_go();
    };
    let (appended, ()) = tokio::join!(append, let_go);
    appended.unwrap();
    assert_eq!(n_rung(&backend).await, 1);
}

#[tokio::test]
async fn nobody_hears_of_anything_when_it_is_silent() {
    let (backend, script) = faulty();
    let mut heard = backend.signal();
    script.silence();
    let mut unheard = backend.signal();
    backend.append(ring(ExpectedSeq::Any)).await.unwrap();
    heard.raised().await;
    let waits = tokio::select! {
        biased;
        () = unheard.raised() => false,
        () = tokio::task::yield_now() => true,
    };
    assert!(waits);
}
