//! One decision over several streams: all of it is stored, or nothing.

use std::sync::Arc;

use futures_util::future::join_all;
use sourced::prelude::*;
use sourced::{CommandError, Kind, Outcome, UnitError};

use crate::backends::On;
use crate::shop::{Stage, log, types};

#[derive(Debug, Default)]
pub struct Account {
    balance: u64,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum AccountError {
    #[error("there are only {0} left")]
    Insufficient(u64),
}

#[actor]
impl Account {
    #[command]
    fn deposit(&self, amount: u64) -> Deposited {
        Deposited { amount }
    }

    #[command]
    fn transfer(
        &self,
        amount: u64,
        to: Other<Account>,
        fees: Other<Ledger>,
    ) -> Result<(Withdrawn, Elsewhere<Deposited>, Elsewhere<Noted>), AccountError> {
        if amount > self.balance {
            return Err(AccountError::Insufficient(self.balance));
        }
        let noted = Noted {
            nth: fees.n_notes + 1,
        };
        Ok((
            Withdrawn { amount },
            to.emit(Deposited { amount }),
            fees.emit(noted),
        ))
    }

    /// Gives the other account what this one has more, after a pause.
    #[command]
    async fn level(
        &self,
        with: Other<Account>,
        stage: Res<Arc<Stage>>,
    ) -> Result<Option<Elsewhere<Deposited>>, Failure> {
        stage.play("wait").await?;
        let amount = self.balance.saturating_sub(with.balance);
        Ok((amount > 0).then(|| with.emit(Deposited { amount })))
    }

    /// Moves everything, from a command of its own and with the other account alone.
    #[command]
    fn close(&self, command: &Close, heir: Other<Self>) -> Vec<Elsewhere<Deposited>> {
        assert_eq!(heir.stream_id(), &command.heir);
        let amount = self.balance;
        (amount > 0)
            .then(|| heir.emit(Deposited { amount }))
            .into_iter()
            .collect()
    }

    #[event]
    pub fn deposited(&mut self, amount: u64) {
        self.balance += amount;
    }

    #[event]
    pub fn withdrawn(&mut self, amount: u64) {
        self.balance -= amount;
    }
}

#[command("account.close")]
pub struct Close {
    heir: StreamId,
}

/// Another actor, which is not registered: an event for it needs its evolve methods alone.
#[derive(Debug, Default)]
pub struct Ledger {
    n_notes: u32,
}

#[actor]
impl Ledger {
    #[event]
    fn noted(&mut self, nth: u32) {
        self.n_notes += 1;
        assert_eq!(self.n_notes, nth, "a note was decided on an old state");
    }
}

const ACCOUNTS: [&str; 4] = ["acc-1", "acc-2", "acc-3", "acc-4"];
const EACH: u64 = 100;

async fn bank(on: &On) -> App {
    bank_with(on, Stage::new()).await
}

async fn bank_with(on: &On, stage: Arc<Stage>) -> App {
    let builder = on.builder().register::<Account>().resource(stage);
    let app = builder.build().await.unwrap();
    for account in ACCOUNTS {
        app.actor::<Account>(account).deposit(EACH).await.unwrap();
    }
    app
}

async fn balances(app: &App) -> Vec<u64> {
    let balance = async |account| app.load::<Account>(account).await.unwrap().state().balance;
    join_all(ACCOUNTS.map(balance)).await
}

/// From, to and amount of each transfer: every pair of accounts in both directions, amounts that some cannot pay.
fn transfers() -> impl Iterator<Item = (&'static str, &'static str, u64)> {
    (0..32_usize).map(|n| {
        let from = n % 4;
        let to = (from + 1 + (n / 4) % 3) % 4;
        (ACCOUNTS[from], ACCOUNTS[to], 7 + (n as u64 * 13) % 60)
    })
}

fn transfer(amount: u64, to: &str) -> Transfer {
    Transfer {
        amount,
        to: StreamId::new(to).unwrap(),
        fees: StreamId::new("fees").unwrap(),
    }
}

/// Every transfer is whole: as many withdrawals as deposits and notes, and each with the same cause.
async fn nothing_is_half(app: &App, n_applied: usize) {
    assert_eq!(balances(app).await.iter().sum::<u64>(), 4 * EACH);
    let log = log(app).await;
    let transfers = log.iter().filter(|message| {
        message.kind == Kind::Command && message.type_name.as_str() == "account.transfer"
    });
    let mut n_whole = 0;
    for command in transfers {
        let led_to: Vec<&str> = log
            .iter()
            .filter(|message| message.causation_id == command.id && message.id != command.id)
            .map(|message| message.type_name.as_str())
            .collect();
        match &led_to[..] {
            [] => {}
            whole => {
                let mut whole = whole.to_vec();
                whole.sort_unstable();
                assert_eq!(
                    whole,
                    ["account.deposited", "account.withdrawn", "ledger.noted"]
                );
                n_whole += 1;
            }
        }
    }
    assert_eq!(n_whole, n_applied);
    let fees = log
        .iter()
        .filter(|message| message.stream_id.as_str() == "fees")
        .count();
    assert_eq!(fees, n_applied);
}

pub async fn money_is_conserved_by_concurrent_durable_transfers(on: On) {
    let app = bank(&on).await;
    let done = join_all(transfers().map(|(from, to, amount)| {
        let app = app.clone();
        app.env().clone().spawner.spawn(async move {
            match app
                .actor::<Account>(from)
                .transfer(amount, to, "fees")
                .await
            {
                Ok(_) => true,
                Err(CommandError::Refused(_)) => false,
                Err(CommandError::Failed(failure)) => panic!("{failure:?}"),
            }
        })
    }))
    .await;
    let n_applied = done.into_iter().filter(|done| done.unwrap()).count();
    assert!(n_applied > 0);
    nothing_is_half(&app, n_applied).await;
}

pub async fn money_is_conserved_by_transfers_of_workers(on: On) {
    let app = bank(&on).await;
    let commands = transfers().map(|(from, to, amount)| transfer(amount, to).to(from));
    let receipts = app.dispatch_all(commands).await.unwrap();
    let (first, second) = (app.start(), app.start());
    let outcomes = join_all(receipts.iter().map(sourced::Receipt::outcome)).await;
    let mut n_applied = 0;
    for outcome in outcomes {
        match outcome.unwrap() {
            Outcome::Applied(events) => {
                assert_eq!(events.len(), 3);
                n_applied += 1;
            }
            Outcome::Refused(reason) => assert!(reason.contains("left"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(n_applied > 0);
    nothing_is_half(&app, n_applied).await;
    first.stop().await;
    second.stop().await;
}

pub async fn money_is_conserved_by_transfers_of_units_beside_workers(on: On) {
    let app = bank(&on).await;
    let running = app.start();
    let done = transfers().enumerate().map(|(n, (from, to, amount))| {
        let app = app.clone();
        app.env().clone().spawner.spawn(async move {
            let command = transfer(amount, to).to(from);
            if n % 2 == 0 {
                let receipt = app.dispatch(command).await.unwrap();
                return matches!(receipt.outcome().await.unwrap(), Outcome::Applied(_));
            }
            match app.unit().handle(command).await {
                Ok(_) => true,
                Err(UnitError::Refused(_)) => false,
                Err(error) => panic!("{error}"),
            }
        })
    });
    let n_applied = join_all(done).await;
    let n_applied = n_applied.into_iter().filter(|done| done.unwrap()).count();
    assert!(n_applied > 0);
    nothing_is_half(&app, n_applied).await;
    running.stop().await;
}

pub async fn conflict_in_the_other_stream_is_decided_again(on: On) {
    let stage = Stage::new();
    let app = bank_with(&on, Arc::clone(&stage)).await;
    app.actor::<Account>("acc-1").deposit(50).await.unwrap();
    let running = app.start();
    let by_hand = {
        let app = app.clone();
        app.env()
            .clone()
            .spawner
            .spawn(async move { app.actor::<Account>("acc-1").level("acc-2").await.unwrap() })
    };
    stage.waiting.notified().await;
    // It has seen that the other has 50 less.
    app.actor::<Account>("acc-2").deposit(20).await.unwrap();
    stage.go_on.add_permits(2);
    let given = by_hand.await.unwrap().unwrap();
    // Its second try.
    stage.waiting.notified().await;
    assert_eq!(given.events().amount, 30);

    let with = StreamId::new("acc-3").unwrap();
    let by_a_worker = app.dispatch(Level { with }.to("acc-1")).await.unwrap();
    stage.waiting.notified().await;
    app.actor::<Account>("acc-3").deposit(10).await.unwrap();
    stage.go_on.add_permits(2);
    let Outcome::Applied(events) = by_a_worker.outcome().await.unwrap() else {
        panic!("applied")
    };
    assert_eq!(events[0].decode::<Deposited>().unwrap().payload.amount, 40);
    assert_eq!(stage.calls("wait"), 4, "each was decided twice");
    running.stop().await;
}

pub async fn fresh_state_of_the_other_stream_for_each_transfer_of_a_batch(on: On) {
    let app = bank(&on).await;
    let commands = (0..5).map(|_| transfer(20, "acc-2").to("acc-1"));
    app.dispatch_all(commands).await.unwrap();
    let running = app.start();
    app.idle().await.unwrap();
    // The ledger's own assertion says whether a note was decided on what the one before it had left.
    let fees = app.actor::<Account>("fees").load().await.unwrap();
    assert_eq!(fees.history().len(), 5);
    assert_eq!(balances(&app).await, [0, 200, 100, 100]);
    running.stop().await;
}

pub async fn a_refused_transfer_leaves_nothing_in_either_stream(on: On) {
    let app = bank(&on).await;
    let before = types(&app).await;
    let account = app.actor::<Account>("acc-1");
    let refused = account.transfer(101, "acc-2", "fees").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(AccountError::Insufficient(100)));
    assert_eq!(types(&app).await, before);
}

pub async fn a_stream_named_twice_is_refused_and_parks_nothing(on: On) {
    let app = bank(&on).await;
    let account = app.actor::<Account>("acc-1");
    for (to, fees) in [("acc-1", "fees"), ("acc-2", "acc-2")] {
        let error = account.transfer(1, to, fees).await.unwrap_err();
        assert!(error.to_string().contains("named twice"), "{error}");
    }
    let error = account.transfer(1, "", "fees").await.unwrap_err();
    assert!(error.to_string().contains("stream id"), "{error}");

    let running = app.start();
    let itself = app
        .dispatch(transfer(1, "acc-1").to("acc-1"))
        .await
        .unwrap();
    let Outcome::Refused(reason) = itself.outcome().await.unwrap() else {
        panic!("a transfer to the account itself is refused")
    };
    assert!(reason.contains("`acc-1` is named twice"), "{reason}");
    let next = app
        .dispatch(transfer(1, "acc-2").to("acc-1"))
        .await
        .unwrap();
    assert!(matches!(next.outcome().await.unwrap(), Outcome::Applied(_)));
    running.stop().await;
}

/// Whose names are claimed in streams that nobody sends.
#[derive(Debug, Default)]
pub struct Member {
    name: String,
}

#[derive(Debug, Default)]
pub struct Name {
    is_claimed: bool,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the name is taken")]
pub struct Taken;

#[actor("member")]
impl Member {
    #[command]
    fn join(
        &self,
        name: String,
        #[stream(format!("name-{}", name.trim()))] claimed: Other<Name>,
    ) -> Result<(Joined, Elsewhere<Claimed>), Taken> {
        if claimed.is_claimed {
            return Err(Taken);
        }
        Ok((Joined { name }, claimed.emit(Claimed)))
    }

    #[command]
    fn leave(
        &self,
        #[stream(format!("name-{}", self.name))] claimed: Other<Name>,
    ) -> (Left, Elsewhere<GivenUp>) {
        (Left, claimed.emit(GivenUp))
    }

    #[event]
    fn joined(&mut self, name: String) {
        self.name = name;
    }

    #[event]
    fn left(&mut self) {
        self.name.clear();
    }
}

#[actor("name")]
impl Name {
    #[event]
    fn claimed(&mut self) {
        self.is_claimed = true;
    }

    #[event]
    fn given_up(&mut self) {
        self.is_claimed = false;
    }
}

fn join(name: &str) -> Join {
    Join { name: name.into() }
}

pub async fn a_stream_that_follows_from_the_command_is_named_by_nobody(on: On) {
    let builder = on.builder().register::<Member>().register::<Name>();
    let app = builder.build().await.unwrap();
    let sent = serde_json::to_value(join("ann")).unwrap();
    assert_eq!(sent, serde_json::json!({ "name": "ann" }));

    let (one, two) = (app.actor::<Member>("m-1"), app.actor::<Member>("m-2"));
    let (_, elsewhere) = one.join("ann").await.unwrap();
    assert_eq!(elsewhere.stream_id().as_str(), "name-ann");
    let refused = two.join("ann").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Taken));
    one.leave().await.unwrap();

    let running = app.start();
    let receipt = app.dispatch(join("ann").to("m-2")).await.unwrap();
    let outcome = receipt.outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    running.stop().await;
    let refused = app.unit().handle(join("ann").to("m-3")).await;
    assert!(matches!(refused, Err(UnitError::Refused(..))));
}

pub async fn a_stream_that_follows_from_nothing_proper_is_refused_and_parks_nothing(on: On) {
    let builder = on.builder().register::<Member>().register::<Name>();
    let app = builder.build().await.unwrap();
    let running = app.start();
    let long = "x".repeat(2_000);
    for name in ["a\nb", &long] {
        let error = app.actor::<Member>("m-1").join(name).await.unwrap_err();
        assert!(error.to_string().contains("names no stream"), "{error}");
        let receipt = app.dispatch(join(name).to("m-1")).await.unwrap();
        let Outcome::Refused(reason) = receipt.outcome().await.unwrap() else {
            panic!("no stream has that name")
        };
        assert!(reason.contains("names no stream"), "{reason}");
    }
    let receipt = app.dispatch(join("ann").to("m-1")).await.unwrap();
    let outcome = receipt.outcome().await.unwrap();
    assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
    running.stop().await;
}

pub async fn every_stream_of_a_decision_carries_its_cause_and_correlation(on: On) {
    let app = bank(&on).await;
    let user = Metadata::new().with("user_id", "u-7");
    let (withdrawn, deposited, noted) = app
        .with_metadata(user.clone())
        .actor::<Account>("acc-1")
        .transfer(30, "acc-2", "fees")
        .await
        .unwrap();
    assert_eq!(withdrawn.amount, deposited.events().amount);
    assert_eq!(
        (noted.stream_id().as_str(), noted.events().nth),
        ("fees", 1)
    );
    let log = log(&app).await;
    let [command, events @ ..] = &log[log.len() - 4..] else {
        panic!("a command and three events")
    };
    assert_eq!(command.type_name.as_str(), "account.transfer");
    let streams: Vec<&str> = events
        .iter()
        .map(|event| event.stream_id.as_str())
        .collect();
    assert_eq!(streams, ["acc-1", "acc-2", "fees"]);
    for event in events {
        assert_eq!(event.causation_id, command.id);
        assert_eq!(event.correlation_id, command.correlation_id);
        assert_eq!(event.metadata, user);
    }
}

pub async fn events_may_go_to_another_stream_alone(on: On) {
    let app = bank(&on).await;
    let heir = StreamId::new("acc-2").unwrap();
    let closed = app
        .actor::<Account>("acc-1")
        .close(Close { heir })
        .await
        .unwrap();
    assert_eq!(closed.len(), 1);
    assert_eq!(balances(&app).await, [100, 200, 100, 100]);
}

/// A doctor, who is on call at first, and a rule of two of them: one stays.
#[derive(Debug, Default)]
pub struct Doctor {
    is_off: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("somebody has to stay")]
pub struct SomebodyHasToStay;

#[actor]
impl Doctor {
    #[command]
    async fn go(&self, other: Other<Doctor>) -> Result<Option<Gone>, SomebodyHasToStay> {
        // So that others read what this one has read.
        tokio::task::yield_now().await;
        match (self.is_off, other.is_off) {
            (true, _) => Ok(None),
            (false, true) => Err(SomebodyHasToStay),
            (false, false) => Ok(Some(Gone)),
        }
    }

    /// Sends the other one home, when this one stays.
    #[command]
    fn relieve(&self, other: Other<Doctor>) -> Result<Vec<Elsewhere<Gone>>, SomebodyHasToStay> {
        match (self.is_off, other.is_off) {
            (true, _) => Err(SomebodyHasToStay),
            (false, true) => Ok(Vec::new()),
            (false, false) => Ok(vec![other.emit(Gone)]),
        }
    }

    #[event]
    fn gone(&mut self) {
        self.is_off = true;
    }

    #[command]
    fn come(&self) -> Came {
        Came
    }

    #[event]
    fn came(&mut self) {
        self.is_off = false;
    }
}

pub async fn of_two_doctors_who_read_each_other_one_stays_on_call(on: On) {
    let app = on.builder().register::<Doctor>().build().await.unwrap();
    let running = app.start();
    let doctors = ["doc-1", "doc-2"];
    for _ in 0..6 {
        let attempts = (0..12_usize).map(|n| {
            let app = app.clone();
            app.env().clone().spawner.spawn(async move {
                let (own, other) = (doctors[n % 2], doctors[(n + 1) % 2]);
                let other = StreamId::new(other).unwrap();
                match n / 2 {
                    0 | 1 => app.actor::<Doctor>(own).go(other).await.is_ok(),
                    2 => app.unit().handle(Go { other }.to(own)).await.is_ok(),
                    3 => {
                        let unit = app.unit().without_commands();
                        unit.handle(Relieve { other }.to(own)).await.is_ok()
                    }
                    4 => {
                        let receipt = app.dispatch(Go { other }.to(own)).await.unwrap();
                        matches!(receipt.outcome().await.unwrap(), Outcome::Applied(_))
                    }
                    _ => {
                        let receipt = app.dispatch(Relieve { other }.to(own)).await.unwrap();
                        matches!(receipt.outcome().await.unwrap(), Outcome::Applied(_))
                    }
                }
            })
        });
        let done = join_all(attempts).await;
        assert!(done.into_iter().any(|done| done.unwrap()), "one could go");
        let is_off = async |doctor| app.load::<Doctor>(doctor).await.unwrap().state().is_off;
        let off = join_all(doctors.map(is_off)).await;
        assert_eq!(
            off.iter().filter(|off| **off).count(),
            1,
            "one, and not both"
        );
        for doctor in doctors {
            app.actor::<Doctor>(doctor).come().await.unwrap();
        }
    }
    app.idle().await.unwrap();
    running.stop().await;
}
