//! Known states: a decision on one is as good as on what is stored, whoever else appends.

use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex};

use futures_util::future::join_all;
use sourced::backend::ReadStream;
use sourced::prelude::*;
use sourced::{CommandError, Kind, Outcome, StoredMessage};

use crate::backends::On;

/// Goes up one by one, and remembers the seqs it went up at.
#[derive(Debug)]
pub struct Meter {
    id: StreamId,
    count: u32,
    seqs: Vec<u64>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the meter stands at {0}")]
pub struct Stands(pub u32);

/// How often the state of a stream was begun from nothing.
static BEGUN: LazyLock<Mutex<HashMap<StreamId, u32>>> = LazyLock::new(Mutex::default);

/// The streams whose events cannot be evolved by.
static BROKEN: LazyLock<Mutex<HashSet<StreamId>>> = LazyLock::new(Mutex::default);

fn count_beginning(id: &StreamId) {
    *BEGUN.lock().unwrap().entry(id.clone()).or_default() += 1;
}

fn is_broken(id: &StreamId) -> bool {
    BROKEN.lock().unwrap().contains(id)
}

#[actor]
impl Meter {
    #[state]
    fn new(id: &StreamId) -> Self {
        count_beginning(id);
        Self {
            id: id.clone(),
            count: 0,
            seqs: Vec::new(),
        }
    }

    #[before_evolve]
    fn remember(&mut self, message: &StoredMessage) {
        self.seqs.push(message.seq.get());
    }

    /// Refused unless the meter stands where its caller thinks.
    #[command]
    pub fn step(&self, from: u32) -> Result<Stepped, Stands> {
        if from == self.count {
            Ok(self.next())
        } else {
            Err(Stands(self.count))
        }
    }

    #[command]
    pub fn go_on(&self) -> Stepped {
        self.next()
    }

    /// Fails until the meter stands there.
    #[command]
    pub fn expect(&self, count: u32) -> Result<(), Failure> {
        if self.count == count {
            Ok(())
        } else {
            Err(Failure::msg(format!("it stands at {}", self.count)))
        }
    }

    #[command]
    pub fn climb(&self, steps: u32, emit: &mut Emitter<Self>) {
        assert_eq!(emit.state().count, self.count);
        for _ in 0..steps {
            emit.event(emit.state().next());
        }
    }

    #[command]
    pub fn look_back(&self, history: &History) -> LookedBack {
        LookedBack {
            n_events: history.len(),
        }
    }

    #[command]
    pub fn tell(&self) -> Told {
        Told {
            count: self.count,
            seqs: self.seqs.clone(),
        }
    }

    /// Too much for every store.
    #[command]
    pub fn overflow(&self) -> Overflown {
        Overflown {
            text: "x".repeat(2 * 1024 * 1024),
        }
    }

    #[event]
    pub fn stepped(&mut self, to: u32) {
        self.count = to;
        assert!(!is_broken(&self.id), "as told");
    }

    #[event]
    pub fn looked_back(&mut self, _n_events: usize) {}

    #[event]
    pub fn told(&mut self, _count: u32, _seqs: Vec<u64>) {}

    #[event]
    pub fn overflown(&mut self, text: String) {
        self.count += u32::try_from(text.len()).unwrap();
    }
}

impl Meter {
    fn next(&self) -> Stepped {
        Stepped { to: self.count + 1 }
    }
}

/// A meter of its own, and several apps on its storage, which know nothing of each other.
async fn apps<const N: usize>(on: &On) -> ([App; N], String) {
    let mut apps = Vec::new();
    for _ in 0..N {
        apps.push(on.builder().register::<Meter>().build().await.unwrap());
    }
    let meter = format!("meter-{}", apps[0].env().ids.next_id());
    (apps.try_into().unwrap(), meter)
}

pub async fn conflict_is_not_an_error_for_two_hundred_calls_at_once(on: On) {
    let ([one, other], name) = apps(&on).await;
    let calls = (0..200).map(|n| {
        // Most of them in one process.
        let meter = meter(if n % 10 == 0 { &other } else { &one }, &name);
        async move { meter.go_on().await }
    });
    for call in join_all(calls).await {
        call.unwrap();
    }
    let loaded = one.load::<Meter>(name.as_str()).await.unwrap();
    assert_eq!(loaded.state().count, 200);
}

fn meter(app: &App, name: &str) -> MeterRef {
    app.actor::<Meter>(name)
}

fn begun(name: &str) -> u32 {
    BEGUN.lock().unwrap()[&StreamId::new(name).unwrap()]
}

/// What the app decides on is what the log leads to.
async fn is_what_is_stored(app: &App, name: &str) {
    let stored = app.load::<Meter>(name).await.unwrap().into_state();
    let told = meter(app, name).tell().await.unwrap();
    assert_eq!((told.count, told.seqs), (stored.count, stored.seqs));
}

pub async fn a_known_state_is_not_read_again(on: On) {
    let ([app], name) = apps(&on).await;
    for from in 0..5 {
        meter(&app, &name).step(from).await.unwrap();
    }
    let refused = meter(&app, &name).step(9).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Stands(5)));
    meter(&app, &name).step(5).await.unwrap();
    assert_eq!(begun(&name), 1);
    is_what_is_stored(&app, &name).await;

    let forgetful = on.builder().register::<Meter>().known_states(0);
    let forgetful = forgetful.build().await.unwrap();
    let before = begun(&name);
    for _ in 0..3 {
        meter(&forgetful, &name).go_on().await.unwrap();
    }
    assert_eq!(begun(&name), before + 3);
}

pub async fn fresh_state_when_another_app_has_appended(on: On) {
    let ([one, other], name) = apps(&on).await;
    assert_eq!(meter(&one, &name).go_on().await.unwrap().to, 1);
    assert_eq!(meter(&other, &name).go_on().await.unwrap().to, 2);
    // It knows of 1 only, and its append is a conflict.
    assert_eq!(meter(&one, &name).go_on().await.unwrap().to, 3);
    assert_eq!(meter(&other, &name).go_on().await.unwrap().to, 4);
    // Each has gone on to what was a conflict, so there was no way back from its state.
    assert_eq!(begun(&name), 4);
    is_what_is_stored(&one, &name).await;
    is_what_is_stored(&other, &name).await;
}

pub async fn fresh_state_for_a_no(on: On) {
    let ([one, other], name) = apps(&on).await;
    meter(&one, &name).go_on().await.unwrap();
    meter(&other, &name).go_on().await.unwrap();
    // What would be refused on what it knows.
    assert_eq!(meter(&one, &name).step(2).await.unwrap().to, 3);
    meter(&other, &name).go_on().await.unwrap();
    // What is refused, with the words of the newest state.
    let refused = meter(&one, &name).step(1).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Stands(4)));
    meter(&other, &name).go_on().await.unwrap();
    // What would be applied on what it knows.
    let refused = meter(&one, &name).step(4).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Stands(5)));
    meter(&other, &name).go_on().await.unwrap();
    // What would fail, and what does.
    meter(&one, &name).expect(6).await.unwrap();
    meter(&other, &name).go_on().await.unwrap();
    let failed = meter(&one, &name).expect(6).await.unwrap_err();
    assert_eq!(failed.to_string(), "it stands at 7");
    is_what_is_stored(&one, &name).await;
}

pub async fn one_winner_among_apps_that_know_the_same_state(on: On) {
    let ([one, other], name) = apps(&on).await;
    let steps = (0..30).map(|n| {
        let app = if n % 2 == 0 { &one } else { &other }.clone();
        let name = name.clone();
        let spawner = std::sync::Arc::clone(&app.env().spawner);
        spawner.spawn(async move { meter(&app, &name).go_on().await.unwrap().to })
    });
    let mut to: Vec<_> = join_all(steps)
        .await
        .into_iter()
        .map(Option::unwrap)
        .collect();
    to.sort_unstable();
    assert_eq!(
        to,
        (1..=30).collect::<Vec<_>>(),
        "each was decided on its own state"
    );
    is_what_is_stored(&one, &name).await;
    is_what_is_stored(&other, &name).await;
}

pub async fn a_state_that_panicked_is_not_known(on: On) {
    let ([app], name) = apps(&on).await;
    let stream = StreamId::new(&name).unwrap();
    meter(&app, &name).go_on().await.unwrap();
    BROKEN.lock().unwrap().insert(stream.clone());
    // What cannot be evolved by is not stored.
    let error = meter(&app, &name).go_on().await.unwrap_err();
    assert!(error.to_string().contains("as told"), "{error}");
    let error = meter(&app, &name).step(9).await.unwrap_err();
    assert!(
        matches!(error, CommandError::Failed(_)),
        "no answer on half a state: {error}"
    );
    BROKEN.lock().unwrap().remove(&stream);
    assert_eq!(meter(&app, &name).go_on().await.unwrap().to, 2);
    is_what_is_stored(&app, &name).await;
}

pub async fn never_ahead_after_an_append_that_failed(on: On) {
    let ([app], name) = apps(&on).await;
    meter(&app, &name).go_on().await.unwrap();
    meter(&app, &name).overflow().await.unwrap_err();
    is_what_is_stored(&app, &name).await;
    // Neither by what is only tried, nor by what is given up.
    let Outcome::Applied(_) = app.decide(GoOn {}.to(name.as_str())).await.unwrap() else {
        panic!("not applied")
    };
    is_what_is_stored(&app, &name).await;
    let unit = app.unit().max_messages(1);
    unit.handle(Climb { steps: 7 }.to(name.as_str()))
        .await
        .unwrap_err();
    is_what_is_stored(&app, &name).await;
    assert_eq!(meter(&app, &name).go_on().await.unwrap().to, 2);
}

pub async fn fresh_state_for_workers_and_durable_methods_in_turn(on: On) {
    let ([app, other], name) = apps(&on).await;
    let running = app.start();
    for round in 0..3 {
        let from = round * 4;
        meter(&app, &name).step(from).await.unwrap();
        let receipt = app
            .dispatch(Step { from: 9_999 }.to(name.as_str()))
            .await
            .unwrap();
        let refused = format!("the meter stands at {}", from + 1);
        assert_eq!(receipt.outcome().await.unwrap(), Outcome::Refused(refused));
        meter(&other, &name).step(from + 1).await.unwrap();
        let receipt = app
            .dispatch(Step { from: from + 2 }.to(name.as_str()))
            .await
            .unwrap();
        let outcome = receipt.outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        let last = Step { from: from + 3 }.to(name.as_str());
        app.unit().handle(last).await.unwrap();
    }
    running.stop().await;
    is_what_is_stored(&app, &name).await;
    is_what_is_stored(&other, &name).await;
}

pub async fn whoever_needs_the_events_reads_them(on: On) {
    let ([app], name) = apps(&on).await;
    meter(&app, &name).go_on().await.unwrap();
    meter(&app, &name).go_on().await.unwrap();
    assert_eq!(meter(&app, &name).look_back().await.unwrap().n_events, 2);
    assert_eq!(meter(&app, &name).climb(3).await.unwrap().len(), 3);
    assert_eq!(meter(&app, &name).look_back().await.unwrap().n_events, 6);
    is_what_is_stored(&app, &name).await;
    let read = ReadStream::all(StreamId::new(&name).unwrap()).only(Kind::Event);
    assert_eq!(app.backend().read_stream(read).await.unwrap().len(), 8);
}

pub async fn the_seqs_in_a_known_state_are_those_that_are_stored(on: On) {
    let ([app], name) = apps(&on).await;
    meter(&app, &name).go_on().await.unwrap();
    // No event, so no conflict; but the next ones have another seq than the decision could know.
    app.dispatch(Step { from: 9_999 }.to(name.as_str()))
        .await
        .unwrap();
    meter(&app, &name).go_on().await.unwrap();
    is_what_is_stored(&app, &name).await;
    assert_eq!(
        app.load::<Meter>(&name).await.unwrap().state().seqs,
        [2, 5, 7]
    );
}
