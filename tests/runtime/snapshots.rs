//! Snapshots: used where they fit, ignored where they do not, and never ahead of the log.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sourced::backend::{Backend, ReadStream, Snapshot};
use sourced::prelude::*;
use sourced::{GroupId, Kind, MessageId, Outcome, Payload, Seq, WorkerOptions};

use crate::backends::On;

/// What was done, in order, so that nothing can be left out, doubled or exchanged unnoticed.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    pub entries: Vec<u32>,
    pub total: u64,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the ledger has {0} entries")]
pub struct Taken(usize);

#[actor(snapshot_every = 5)]
impl Ledger {
    /// Refused unless the ledger is where its caller thinks.
    #[command]
    pub fn enter(&self, amount: u32, place: Option<usize>) -> Result<Entered, Taken> {
        match place {
            Some(place) if place != self.entries.len() => Err(Taken(self.entries.len())),
            _ => Ok(Entered { amount }),
        }
    }

    #[command]
    pub fn enter_all(&self, amounts: Vec<u32>, emit: &mut Emitter<Self>) {
        for amount in amounts {
            assert!(emit.state().entries.len() >= self.entries.len());
            emit.event(Entered { amount });
        }
    }

    /// Sees every event of the stream.
    #[command]
    pub fn count(&self, history: &History) -> Counted {
        Counted { n: history.len() }
    }

    #[command]
    pub fn copy_to(&self, to: Other<Ledger>) -> Copied {
        Copied {
            from: self.total,
            to: to.total,
        }
    }

    #[event]
    pub fn entered(&mut self, amount: u32) {
        self.entries.push(amount);
        self.total += u64::from(amount);
    }

    #[event]
    pub fn counted(&mut self, _n: usize) {}

    #[event]
    pub fn copied(&mut self, _from: u64, _to: u64) {}

    /// Tells the state as of its event.
    #[reaction]
    fn have_it_audited(&self, _: &Entered) -> Audit {
        Audit {
            n_entries: self.entries.len(),
        }
    }

    #[command]
    pub fn audit(&self, n_entries: usize) -> Audited {
        Audited { n_entries }
    }

    #[event]
    pub fn audited(&mut self, _n_entries: usize) {}
}

/// Another version of the same actor, whose code and state differ.
mod later {
    use super::*;

    #[derive(Debug, Default, Serialize, Deserialize)]
    pub struct Ledger {
        pub entries: Vec<u32>,
        pub total: u64,
        #[serde(default)]
        pub highest: u32,
    }

    #[actor("ledger", snapshot_every = 5)]
    impl Ledger {
        #[event]
        pub fn entered(&mut self, event: &Entered) {
            self.entries.push(event.amount);
            self.total += u64::from(event.amount);
            self.highest = self.highest.max(event.amount);
        }

        #[command("ledger.later")]
        pub fn go_on(&self) -> [Entered; 1] {
            [Entered { amount: 1 }]
        }
    }
}

/// The same code text in every module, for states that differ in their shape alone.
macro_rules! tally {
    ($module:ident, $($field:tt)*) => {
        mod $module {
            use super::*;

            #[derive(Debug, Default, Serialize, Deserialize)]
            pub struct Tally {
                pub n: u32,
                $($field)*
            }

            impl Tally {
                // What the attribute does not see.
                fn count(&mut self) {
                    self.n += 1;
                }
            }

            #[actor(snapshot_every = 2)]
            impl Tally {
                #[command]
                pub fn tick(&self) -> Ticked {
                    Ticked {}
                }

                #[event]
                pub fn ticked(&mut self) {
                    self.count();
                }
            }
        }
    };
}
tally!(tally,);
tally!(same_tally,);
tally!(grown_tally, #[serde(default)] pub since: Option<u64>,);

const LEDGER: &str = "ledger-1";

async fn app(on: &On) -> App {
    on.builder().register::<Ledger>().build().await.unwrap()
}

/// One that has to read whatever it decides on.
async fn forgetful_app(on: &On) -> App {
    let builder = on.builder().register::<Ledger>().known_states(0);
    builder.build().await.unwrap()
}

fn place(actor: &str, stream: &str) -> (GroupId, StreamId) {
    (GroupId::new(actor).unwrap(), StreamId::new(stream).unwrap())
}

async fn snapshot(app: &App, actor: &str, stream: &str) -> Option<Snapshot> {
    let (actor, stream) = place(actor, stream);
    app.backend().snapshot(&actor, &stream).await.unwrap()
}

/// Puts another state into the snapshot: whoever shows it has used the snapshot.
async fn plant(
    app: &App,
    actor: &str,
    stream: &str,
    state: &(impl Serialize + DeserializeOwned),
) -> Snapshot {
    let mut planted = snapshot(app, actor, stream).await.expect("a snapshot");
    planted.state = Payload::encode(state).unwrap();
    replace(app, actor, stream, &planted).await;
    planted
}

async fn replace(app: &App, actor: &str, stream: &str, planted: &Snapshot) {
    let (actor, stream) = place(actor, stream);
    let backend = app.backend();
    backend.delete_snapshot(&actor, &stream).await.unwrap();
    backend
        .save_snapshot(&actor, &stream, planted)
        .await
        .unwrap();
}

async fn events(app: &App, stream: &str) -> Vec<StoredMessage> {
    let read = ReadStream::all(StreamId::new(stream).unwrap()).only(Kind::Event);
    app.backend().read_stream(read).await.unwrap()
}

async fn enter(app: &App, amounts: impl IntoIterator<Item = u32>) {
    let ledger = app.actor::<Ledger>(LEDGER);
    for amount in amounts {
        ledger.enter(amount, None).await.unwrap();
    }
}

async fn load(app: &App) -> Ledger {
    app.load::<Ledger>(LEDGER).await.unwrap().into_state()
}

/// The state that the log leads to, whatever snapshots say.
async fn fold(app: &App) -> Ledger {
    let mut ledger = Ledger::default();
    for event in app.actor::<Ledger>(LEDGER).history().await.unwrap() {
        if let LedgerEvent::Entered(entered) = event.payload {
            ledger.entered(entered.amount);
        }
    }
    ledger
}

pub async fn one_is_taken_after_every_so_many_events_and_used(on: On) {
    let app = forgetful_app(&on).await;
    enter(&app, 1..=4).await;
    assert_eq!(snapshot(&app, "ledger", LEDGER).await, None);
    enter(&app, [5]).await;
    let taken = snapshot(&app, "ledger", LEDGER).await.unwrap();
    assert_eq!(taken.seq, events(&app, LEDGER).await[4].seq);
    assert_eq!(taken.state.decode::<Ledger>().unwrap(), fold(&app).await);

    let false_state = Ledger {
        entries: vec![7; 7],
        total: 1_000,
    };
    plant(&app, "ledger", LEDGER, &false_state).await;
    enter(&app, [6]).await;
    let loaded = app.load::<Ledger>(LEDGER).await.unwrap();
    assert_eq!(loaded.state().total, 1_006, "by `App::load`");
    assert_eq!(loaded.history().len(), 1, "only the tail is read");
    assert_eq!(loaded.seq(), Some(events(&app, LEDGER).await[5].seq));
    let ledger = app.actor::<Ledger>(LEDGER);
    let refused = ledger.enter(1, Some(0)).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Taken(8)), "by a durable method");
    let Outcome::Refused(reason) = app.decide(enter_at(0).to(LEDGER)).await.unwrap() else {
        panic!("not refused")
    };
    assert_eq!(reason, "the ledger has 8 entries", "by a dry run");
    let refused = app.unit().handle(enter_at(0).to(LEDGER)).await.unwrap_err();
    assert_eq!(refused.to_string(), "the ledger has 8 entries", "by a unit");
    let copied = app.actor::<Ledger>("ledger-2").copy_to(LEDGER).await;
    assert_eq!(copied.unwrap().to, 1_006, "as the other of a decision");
}

pub async fn a_worker_starts_from_one(on: On) {
    let app = forgetful_app(&on).await;
    enter(&app, 1..=5).await;
    let running = app.start();
    app.idle().await.unwrap();
    // Snapshots are taken after the commit that `idle` waits for.
    running.stop().await;
    let false_state = Ledger {
        entries: vec![7; 7],
        total: 1_000,
    };
    plant(&app, "ledger", LEDGER, &false_state).await;
    let running = app.start();
    let receipt = app.dispatch(enter_at(0).to(LEDGER)).await.unwrap();
    let Outcome::Refused(reason) = receipt.outcome().await.unwrap() else {
        panic!("not refused")
    };
    assert_eq!(reason, "the ledger has 7 entries");
    running.stop().await;
}

fn enter_at(place: usize) -> Enter {
    Enter {
        amount: 1,
        place: Some(place),
    }
}

pub async fn fresh_state_where_one_is_of_other_code_or_damaged(on: On) {
    let app = app(&on).await;
    enter(&app, 1..=5).await;
    let taken = snapshot(&app, "ledger", LEDGER).await.unwrap();
    let nonsense = Payload::parse(r#"{"entries":"none"}"#).unwrap();
    let false_state = Payload::encode(&Ledger::default()).unwrap();
    for (fingerprint, state) in [
        (taken.fingerprint ^ 1, false_state),
        (taken.fingerprint, nonsense),
    ] {
        let planted = Snapshot {
            seq: taken.seq,
            event: taken.event,
            fingerprint,
            state,
        };
        replace(&app, "ledger", LEDGER, &planted).await;
        assert_eq!(load(&app).await, fold(&app).await);
        assert_eq!(load(&app).await.total, 15);
    }
    // The next one takes its place.
    let ignored = Snapshot {
        seq: Seq::new(1_000_000).unwrap(),
        event: taken.event,
        fingerprint: taken.fingerprint ^ 1,
        state: taken.state.clone(),
    };
    replace(&app, "ledger", LEDGER, &ignored).await;
    enter(&app, 6..=10).await;
    let next = snapshot(&app, "ledger", LEDGER).await.unwrap();
    assert_eq!(next.fingerprint, taken.fingerprint);
    assert_eq!(next.seq, events(&app, LEDGER).await[9].seq);
    assert_eq!(load(&app).await, fold(&app).await);
}

pub async fn a_new_version_of_the_actor_ignores_those_of_the_old_one(on: On) {
    let old = app(&on).await;
    enter(&old, [1, 9, 3, 4, 5]).await;
    let taken = snapshot(&old, "ledger", LEDGER).await.unwrap();
    let new = on.builder().register::<later::Ledger>();
    let new = new.build().await.unwrap();
    let loaded = new.load::<later::Ledger>(LEDGER).await.unwrap();
    assert_eq!((loaded.state().total, loaded.state().highest), (22, 9));
    for _ in 0..5 {
        new.actor::<later::Ledger>(LEDGER).go_on().await.unwrap();
    }
    let replaced = snapshot(&new, "ledger", LEDGER).await.unwrap();
    assert_ne!(replaced.fingerprint, taken.fingerprint);
    // And the old one does so with those of the new one, while both are running.
    assert_eq!(load(&old).await, fold(&old).await);
}

pub async fn a_field_with_a_default_is_a_change_of_shape(on: On) {
    let stream = "tally-1";
    let first = on.builder().register::<tally::Tally>();
    let first = first.build().await.unwrap();
    for _ in 0..2 {
        first.actor::<tally::Tally>(stream).tick().await.unwrap();
    }
    let false_state = tally::Tally { n: 100 };
    plant(&first, "tally", stream, &false_state).await;

    let same = on.builder().register::<same_tally::Tally>();
    let same = same.build().await.unwrap();
    let loaded = same.load::<same_tally::Tally>(stream).await.unwrap();
    assert_eq!(loaded.state().n, 100, "the same code and shape elsewhere");

    let grown = on.builder().register::<grown_tally::Tally>();
    let grown = grown.build().await.unwrap();
    let loaded = grown.load::<grown_tally::Tally>(stream).await.unwrap();
    assert_eq!((loaded.state().n, loaded.state().since), (2, None));
}

pub async fn an_app_started_again_uses_what_is_there(on: On) {
    let first = app(&on).await;
    enter(&first, 1..=7).await;
    let taken = snapshot(&first, "ledger", LEDGER).await.unwrap();
    drop(first);
    let next = app(&on).await;
    assert_eq!(snapshot(&next, "ledger", LEDGER).await, Some(taken));
    let loaded = next.load::<Ledger>(LEDGER).await.unwrap();
    assert_eq!(loaded.history().len(), 2);
    assert_eq!(loaded.state(), &fold(&next).await);
}

pub async fn a_reaction_sees_the_state_as_of_its_event_behind_a_snapshot(on: On) {
    let app = app(&on).await;
    enter(&app, 1..=12).await;
    assert!(snapshot(&app, "ledger", LEDGER).await.is_some());
    let running = app.start();
    app.idle().await.unwrap();
    running.stop().await;
    let audited = app.actor::<Ledger>(LEDGER).history().await.unwrap();
    let audited = audited.into_iter().filter_map(|event| match event.payload {
        LedgerEvent::Audited(audited) => Some(audited.n_entries),
        _ => None,
    });
    assert_eq!(audited.collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
}

pub async fn whoever_asks_for_the_history_gets_all_of_it(on: On) {
    let app = app(&on).await;
    enter(&app, 1..=7).await;
    let ledger = app.actor::<Ledger>(LEDGER);
    assert_eq!(ledger.count().await.unwrap().n, 7);
    let unit = app.unit().with::<Ledger>();
    let outcome = unit.handle(Count {}.to(LEDGER)).await.unwrap();
    assert!(
        outcome.messages()[1].payload.as_str().contains("\"n\":8"),
        "{outcome:?}"
    );
    let past = events(&app, LEDGER).await[2].seq;
    let past = ledger.load_upto(past).await.unwrap();
    assert_eq!(past.state().entries, [1, 2, 3]);
    assert_eq!(ledger.history().await.unwrap().len(), 9);
}

pub async fn an_emitter_goes_on_from_a_snapshot(on: On) {
    let app = forgetful_app(&on).await;
    enter(&app, 1..=6).await;
    let false_state = Ledger {
        entries: vec![7; 7],
        total: 1_000,
    };
    plant(&app, "ledger", LEDGER, &false_state).await;
    // Its method compares the working copy with the state.
    let ledger = app.actor::<Ledger>(LEDGER);
    assert_eq!(ledger.enter_all(vec![1, 2]).await.unwrap().len(), 2);
    assert_eq!(load(&app).await.total, 1_009);
}

pub async fn never_ahead_of_the_log(on: On) {
    let app = app(&on).await;
    // Nothing of a unit that fails gets into one, though its draft crosses a multiple.
    let amounts = vec![1; 7];
    let refused = app
        .unit()
        .max_messages(1)
        .handle(EnterAll { amounts }.to(LEDGER))
        .await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(snapshot(&app, "ledger", LEDGER).await, None);
    let amounts = vec![1; 7];
    let dry = app.decide(EnterAll { amounts }.to(LEDGER)).await.unwrap();
    assert!(matches!(dry, Outcome::Applied(events) if events.len() == 7));
    assert_eq!(snapshot(&app, "ledger", LEDGER).await, None);

    let mut options = WorkerOptions::default();
    options.poll_max = std::time::Duration::from_millis(5);
    let busy = on.builder().register::<Ledger>().workers(options);
    let busy = busy.build().await.unwrap();
    let running = busy.start();
    let writers = (0..8).map(|n| {
        let app = busy.clone();
        async move {
            for amount in 0..6 {
                match n % 3 {
                    0 => drop(
                        app.actor::<Ledger>(LEDGER)
                            .enter(amount, None)
                            .await
                            .unwrap(),
                    ),
                    1 => drop(app.dispatch(entering(amount)).await.unwrap()),
                    _ => drop(app.unit().handle(entering(amount)).await.unwrap()),
                }
                if let Some(taken) = snapshot(&app, "ledger", LEDGER).await {
                    is_of_the_log(&app, &taken).await;
                }
            }
        }
    });
    futures_util::future::join_all(writers).await;
    busy.idle().await.unwrap();
    running.stop().await;
    assert_eq!(load(&busy).await, fold(&busy).await);
    assert_eq!(load(&busy).await.entries.len(), 48);
    let taken = snapshot(&busy, "ledger", LEDGER).await.unwrap();
    is_of_the_log(&busy, &taken).await;
}

fn entering(amount: u32) -> Outgoing<Enter> {
    let place = None;
    Enter { amount, place }.to(LEDGER)
}

/// The state of a snapshot is that of the stored events up to it, the last of which is there.
async fn is_of_the_log(app: &App, taken: &Snapshot) {
    let events = events(app, LEDGER).await;
    assert!(events.iter().any(|event| event.seq == taken.seq));
    let mut ledger = Ledger::default();
    for event in events.iter().filter(|event| event.seq <= taken.seq) {
        if event.type_name.as_str() == "ledger.entered" {
            ledger.entered(event.decode::<Entered>().unwrap().payload.amount);
        }
    }
    assert_eq!(taken.state.decode::<Ledger>().unwrap(), ledger);
}

/// One thing done to a ledger.
#[derive(Debug, Clone)]
enum Step {
    Enter(u32),
    EnterAll(Vec<u32>),
    Dispatched(u32),
    InUnit(u32),
    Count,
    /// Somebody loses the snapshot.
    Forget,
    /// Other code leaves one behind.
    Foreign,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<u32>().prop_map(Step::Enter),
        2 => proptest::collection::vec(any::<u32>(), 0..9).prop_map(Step::EnterAll),
        2 => any::<u32>().prop_map(Step::Dispatched),
        2 => any::<u32>().prop_map(Step::InUnit),
        1 => Just(Step::Count),
        1 => Just(Step::Forget),
        1 => Just(Step::Foreign),
    ];
    proptest::collection::vec(step, 1..30)
}

/// Whatever was done, the snapshot and the events after it lead to what all events lead to.
pub async fn snapshot_and_tail_are_the_full_fold(on: On) {
    let app = app(&on).await;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for n in 0..12 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let stream = format!("ledger-p{n}");
        let ledger = app.actor::<Ledger>(&stream);
        let running = app.start();
        for step in &steps {
            take(&app, &stream, step).await;
            let mut full = Ledger::default();
            let mut last = None;
            for event in ledger.history().await.unwrap() {
                last = Some(event.seq);
                if let LedgerEvent::Entered(entered) = event.payload {
                    full.entered(entered.amount);
                }
            }
            // Without a seq everything is loaded, also what a worker does meanwhile.
            let Some(last) = last else { continue };
            let loaded = ledger.load_upto(last).await.unwrap();
            assert_eq!(loaded.state(), &full, "{steps:?}");
        }
        app.idle().await.unwrap();
        running.stop().await;
        let loaded = ledger.load().await.unwrap();
        let all = ledger.history().await.unwrap();
        let entered = all.iter().filter_map(|event| match &event.payload {
            LedgerEvent::Entered(entered) => Some(entered.amount),
            _ => None,
        });
        assert_eq!(loaded.state().entries, entered.collect::<Vec<_>>());
        assert_eq!(loaded.seq(), all.last().map(|event| event.seq));
        let taken = snapshot(&app, "ledger", &stream).await;
        let fits = taken.is_some_and(|taken| taken.fingerprint != 1);
        assert!(!fits || loaded.history().len() < all.len(), "{steps:?}");
    }
}

async fn take(app: &App, stream: &str, step: &Step) {
    let ledger = app.actor::<Ledger>(stream);
    let enter = |amount| {
        Enter {
            amount,
            place: None,
        }
        .to(stream)
    };
    match step {
        Step::Enter(amount) => drop(ledger.enter(*amount, None).await.unwrap()),
        Step::EnterAll(amounts) => drop(ledger.enter_all(amounts.clone()).await.unwrap()),
        Step::Dispatched(amount) => drop(app.dispatch(enter(*amount)).await.unwrap()),
        Step::InUnit(amount) => drop(app.unit().handle(enter(*amount)).await.unwrap()),
        Step::Count => {
            let before = ledger.history().await.unwrap().len();
            assert!(ledger.count().await.unwrap().n >= before);
        }
        Step::Forget => {
            let (actor, stream) = place("ledger", stream);
            app.backend()
                .delete_snapshot(&actor, &stream)
                .await
                .unwrap();
        }
        Step::Foreign => {
            let foreign = Snapshot {
                seq: Seq::new(1).unwrap(),
                event: MessageId::from_uuid(app.env().ids.next_id()),
                fingerprint: 1,
                state: Payload::encode(&Ledger::default()).unwrap(),
            };
            let (actor, stream) = place("ledger", stream);
            let backend: &dyn Backend = &**app.backend();
            backend
                .save_snapshot(&actor, &stream, &foreign)
                .await
                .unwrap();
        }
    }
}
