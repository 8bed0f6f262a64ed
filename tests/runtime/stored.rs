//! Projectors that load their state as they saved it: each event exactly once in it, whoever works and whatever fails.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sourced::backend::{Lane, ResetFrom, StreamAppend};
use sourced::prelude::*;
use sourced::{
    DocumentReader, ExpectedSeq, Kind, NewMessage, Payload, RetryPolicy, Seq, Truncate, TypeName,
    WorkerOptions,
};

use crate::backends::On;
use crate::shop::{Stage, log};

#[derive(Debug, Default)]
pub struct Jar;

#[actor]
impl Jar {
    #[command]
    fn put(&self, coins: u32) -> Inserted {
        Inserted { coins }
    }

    #[event]
    fn inserted(&mut self, _coins: u32) {}

    #[command]
    fn put_many(&self, coins: Vec<u32>) -> Vec<Inserted> {
        coins.into_iter().map(|coins| Inserted { coins }).collect()
    }

    #[command]
    fn thank(&self, total: u32) -> Thanked {
        Thanked { total }
    }

    #[event]
    fn thanked(&mut self, _total: u32) {}
}

/// So many coins make an `#[event]` method panic.
const TOO_MANY: u32 = 1_000;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Coins {
    n_events: u32,
    total: u32,
}

impl Coins {
    fn add(&mut self, coins: u32) {
        // Half changed when it panics.
        self.n_events += 1;
        assert!(coins < TOO_MANY, "as told");
        self.total += coins;
    }
}

/// Loads in the transaction that saves.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Tally(Coins);

#[projector(stored)]
impl Tally {
    #[state]
    async fn load(
        id: &StreamId,
        tx: &mut Tx<'_>,
        bell: Res<Arc<Bell>>,
    ) -> Result<Option<Self>, Failure> {
        bell.ring("load of a tally");
        tx.get("tallies", id).await
    }

    #[event]
    fn inserted(&mut self, event: &Inserted) {
        self.0.add(event.coins);
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("tallies", id, self).await
    }

    #[after_sync]
    fn announce(&self, bell: Res<Arc<Bell>>) {
        bell.ring(format!("tally {}", self.0.total));
    }
}

/// Loads before it, which its reaction needs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Thanks(Coins);

#[projector(stored)]
impl Thanks {
    #[state]
    async fn load(
        id: &StreamId,
        documents: Res<DocumentReader>,
        stage: Res<Arc<Stage>>,
    ) -> Result<Option<Self>, Failure> {
        let found = documents.get("thanks", id).await;
        // Whoever waits here has a state that others may have gone beyond.
        stage
            .play(if id.as_str() == "slow" {
                "wait"
            } else {
                "load"
            })
            .await?;
        found
    }

    #[event]
    fn inserted(&mut self, event: &Inserted) {
        self.0.add(event.coins);
    }

    #[reaction]
    fn thank(&self, _: &Inserted) -> Thank {
        Thank {
            total: self.0.total,
        }
    }

    #[sync]
    async fn save(&self, id: &StreamId, tx: &mut Tx<'_>) -> Result<(), Failure> {
        tx.put("thanks", id, self).await
    }

    #[after_sync]
    async fn tell(&self, bell: Res<Arc<Bell>>, stage: Res<Arc<Stage>>) -> Result<(), Failure> {
        stage.play("tell").await?;
        bell.ring(format!("thanks {}", self.0.total));
        if self.0.total == 13 {
            return Err(Failure::msg("as told"));
        }
        assert_ne!(self.0.total, 14, "as told");
        Ok(())
    }

    #[after_sync]
    fn tell_all(&self, bell: Res<Arc<Bell>>, replaying: Replaying) {
        bell.ring(format!("thanks {} {}", self.0.total, replaying.get()));
    }
}

/// What was called.
#[derive(Debug, Default)]
pub struct Bell(Mutex<Vec<String>>);

impl Bell {
    fn ring(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// What was called that begins so.
    fn heard(&self, prefix: &str) -> Vec<String> {
        let heard = self.0.lock().unwrap();
        let heard = heard.iter().filter(|what| what.starts_with(prefix));
        heard.cloned().collect()
    }
}

struct Program {
    app: App,
    stage: Arc<Stage>,
    bell: Arc<Bell>,
}

impl Program {
    async fn new(on: &On) -> Self {
        Self::with(on, |_| {}).await
    }

    async fn with(on: &On, change: impl FnOnce(&mut WorkerOptions)) -> Self {
        let retry = RetryPolicy::default()
            .attempts(2)
            .first_pause(Duration::from_millis(1));
        let mut options = WorkerOptions::default()
            .poll_max(Duration::from_millis(5))
            .retry(retry);
        change(&mut options);
        let (stage, bell) = (Stage::new(), Arc::<Bell>::default());
        let builder = on.builder().register::<Jar>().register::<Tally>();
        let builder = builder.register::<Thanks>().resource(Arc::clone(&bell));
        let builder = builder.resource(Arc::clone(&stage)).workers(options);
        let app = builder.build().await.unwrap();
        Self { app, stage, bell }
    }

    async fn coins(&self, collection: &str, jar: &str) -> Coins {
        let coins = self.app.document(collection, jar).await.unwrap();
        coins.unwrap_or_default()
    }

    /// The totals for which was thanked, in the order of the log.
    async fn thanked(&self) -> Vec<u32> {
        let log = log(&self.app).await;
        let is_one = |name: &str| name == "jar.thanked";
        let thanked = log.iter().filter(|it| is_one(it.type_name.as_str()));
        thanked
            .map(|it| it.decode::<Thanked>().unwrap().payload.total)
            .collect()
    }
}

fn coins(n_events: u32, total: u32) -> Coins {
    Coins { n_events, total }
}

pub async fn a_stored_state_goes_on_from_what_was_saved(on: On) {
    let program = Program::new(&on).await;
    let app = &program.app;
    let running = app.start();
    let jar = app.actor::<Jar>("jar-1");
    jar.put(1).await.unwrap();
    jar.put(2).await.unwrap();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(program.coins("tallies", "jar-1").await, coins(2, 3));
    assert_eq!(program.coins("thanks", "jar-1").await, coins(2, 3));

    // Another process, which knows nothing of what was before.
    let program = Program::new(&on).await;
    let app = &program.app;
    let running = app.start();
    app.actor::<Jar>("jar-1")
        .put_many(vec![3, 4])
        .await
        .unwrap();
    app.actor::<Jar>("jar-2").put(9).await.unwrap();
    app.idle().await.unwrap();
    for (jar, expected) in [("jar-1", coins(4, 10)), ("jar-2", coins(1, 9))] {
        assert_eq!(program.coins("tallies", jar).await, expected);
        assert_eq!(program.coins("thanks", jar).await, expected);
    }
    assert_eq!(program.stage.calls("load"), 2, "once per batch and stream");
    running.stop().await;
}

pub async fn what_went_well_before_a_failure_is_saved_and_the_rest_goes_on(on: On) {
    let program = Program::new(&on).await;
    let app = &program.app;
    app.actor::<Jar>("jar-1")
        .put_many(vec![1, 2, TOO_MANY, 4])
        .await
        .unwrap();
    let running = app.start();
    assert_eq!(app.idle().await.unwrap().parked, 2);
    assert_eq!(program.coins("tallies", "jar-1").await, coins(2, 3));
    assert_eq!(program.coins("thanks", "jar-1").await, coins(2, 3));
    assert_eq!(program.thanked().await, [1, 3]);

    let (tallies, thanks) = (app.group::<Tally>(), app.group::<Thanks>());
    for parked in [tallies.parked(None, 2).await, thanks.parked(None, 2).await] {
        let parked = parked.unwrap().remove(0);
        assert_eq!(parked.failure.seq.get(), 4);
        let error = &parked.failure.error;
        assert!(
            error.contains("`jar.inserted` at seq 4") && error.contains("as told"),
            "{error}"
        );
        let position = parked.failure.position;
        _ = tallies.skip("jar-1", position, "it is bad").await;
        _ = thanks.skip("jar-1", position, "it is bad").await;
    }
    app.idle().await.unwrap();
    assert_eq!(program.coins("tallies", "jar-1").await, coins(3, 7));
    assert_eq!(program.coins("thanks", "jar-1").await, coins(3, 7));
    assert_eq!(program.thanked().await, [1, 3, 7]);
    running.stop().await;
}

pub async fn fenced_whoever_lost_the_lane_saves_no_state_of_the_past(on: On) {
    // So short that it ends while the state is loaded, and is never renewed in time.
    let program = Program::with(&on, |options| options.lease = Duration::ZERO).await;
    let app = &program.app;
    let slow = app.actor::<Jar>("slow");
    slow.put(1).await.unwrap();
    let running = app.start();
    // Taken over twice at least, by workers which have all loaded the same.
    for _ in 0..3 {
        program.stage.waiting.notified().await;
    }
    slow.put(2).await.unwrap();
    program.stage.go_on.add_permits(2);
    slow.put_many(vec![3, 4]).await.unwrap();
    program.stage.go_on.add_permits(1_000);
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(program.coins("thanks", "slow").await, coins(4, 10));
    assert_eq!(program.thanked().await, [1, 3, 6, 10]);
}

pub async fn replay_is_marked_and_counts_nothing_twice(on: On) {
    let program = Program::new(&on).await;
    let app = &program.app;
    let running = app.start();
    let jar = app.actor::<Jar>("jar-1");
    jar.put_many(vec![1, 2]).await.unwrap();
    jar.put_many(vec![3, 4]).await.unwrap();
    app.idle().await.unwrap();
    let log = log(app).await;
    let inserted = log
        .iter()
        .filter(|it| it.type_name.as_str() == "jar.inserted");
    let second = inserted.map(|it| it.position).nth(1).unwrap();
    for from in [ResetFrom::Beginning, ResetFrom::After(second)] {
        app.group::<Tally>().reset(from).await.unwrap();
        app.group::<Thanks>().reset(from).await.unwrap();
        app.idle().await.unwrap();
        assert_eq!(program.coins("tallies", "jar-1").await, coins(4, 10));
        assert_eq!(program.coins("thanks", "jar-1").await, coins(4, 10));
    }
    jar.put(5).await.unwrap();
    app.idle().await.unwrap();
    running.stop().await;
    assert_eq!(program.coins("tallies", "jar-1").await, coins(5, 15));
    assert_eq!(program.thanked().await, [1, 3, 6, 10, 15]);
    let told = program.bell.heard("thanks 10");
    let n_live = told.iter().filter(|what| *what == "thanks 10").count();
    assert_eq!(n_live, 1, "silent in a replay: {told:?}");
    assert!(
        told.contains(&"thanks 10 true".to_owned()),
        "who asks is told: {told:?}"
    );
}

pub async fn no_history_is_read_but_in_a_replay(on: On) {
    let program = Program::new(&on).await;
    let app = &program.app;
    let running = app.start();
    let jar = app.actor::<Jar>("jar-1");
    jar.put_many(vec![1, 2]).await.unwrap();
    app.idle().await.unwrap();
    let stream = StreamId::new("jar-1").unwrap();
    let all = Truncate::upto(Seq::new(3).unwrap()).even_without_snapshot();
    app.truncate("jar-1", all).await.unwrap();
    // Of what is gone, nobody could make a state.
    let inserted = NewMessage::root(
        app.env().ids.next_id().into(),
        app.env().clock.now(),
        TypeName::of::<Inserted>(),
        Kind::Event,
        Payload::encode(&Inserted { coins: 3 }).unwrap(),
    );
    let append = StreamAppend {
        stream,
        expected: ExpectedSeq::Any,
        messages: vec![inserted],
    };
    app.backend().append(vec![append]).await.unwrap();
    app.idle().await.unwrap();
    assert_eq!(program.coins("tallies", "jar-1").await, coins(3, 6));
    assert_eq!(program.coins("thanks", "jar-1").await, coins(3, 6));

    for reset in [
        app.group::<Tally>().reset(ResetFrom::Beginning).await,
        app.group::<Thanks>().reset(ResetFrom::Beginning).await,
    ] {
        reset.unwrap();
    }
    // The jar may be parked, too: it cannot decide any more, unless it knows its state.
    app.idle().await.unwrap();
    let tallies = app.group::<Tally>().parked(None, 10).await.unwrap();
    let thanks = app.group::<Thanks>().parked(None, 10).await.unwrap();
    assert_eq!((tallies.len(), thanks.len()), (1, 1));
    assert_eq!(program.coins("tallies", "jar-1").await, coins(3, 6));
    assert_eq!(program.coins("thanks", "jar-1").await, coins(3, 6));
    running.stop().await;
}

pub async fn one_transaction_of_a_unit_takes_what_is_loaded_in_it(on: On) {
    let program = Program::new(&on).await;
    let app = &program.app;
    for (n, expected) in [(1, coins(3, 6)), (2, coins(6, 12))] {
        let put = PutMany {
            coins: vec![1, 2, 3],
        };
        let outcome = app.unit().handle(put.to("jar-1")).await.unwrap();
        assert_eq!(
            program.coins("tallies", "jar-1").await,
            expected,
            "unit {n}"
        );
        let left = Lane {
            group: app.group::<Thanks>().id().clone(),
            stream: StreamId::new("jar-1").unwrap(),
        };
        assert_eq!(outcome.left_to_workers(), [left]);
    }
    assert_eq!(
        program.bell.heard("tally"),
        [
            "tally 1", "tally 3", "tally 6", "tally 7", "tally 9", "tally 12"
        ],
        "after the commit, on the state as of each event"
    );
    assert_eq!(program.coins("thanks", "jar-1").await, coins(0, 0));
    let running = app.start();
    app.idle().await.unwrap();
    assert_eq!(program.coins("tallies", "jar-1").await, coins(6, 12));
    assert_eq!(program.coins("thanks", "jar-1").await, coins(6, 12));
    assert_eq!(program.thanked().await, [1, 3, 6, 7, 9, 12]);
    running.stop().await;
}

pub async fn a_failure_after_the_commit_changes_nothing(on: On) {
    let program = Program::new(&on).await;
    let app = &program.app;
    let running = app.start();
    let jar = app.actor::<Jar>("jar-1");
    // It fails at 13, and panics at 14.
    for coins in [13, 1, 1] {
        jar.put(coins).await.unwrap();
        app.idle().await.unwrap();
    }
    assert_eq!(app.idle().await.unwrap().parked, 0);
    assert_eq!(program.coins("thanks", "jar-1").await, coins(3, 15));
    running.stop().await;
    let told = program.bell.heard("thanks");
    assert_eq!(
        told,
        ["thanks 13", "thanks 14", "thanks 15", "thanks 15 false"]
    );
}
