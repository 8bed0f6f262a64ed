//! Deposits into accounts, noted in books, confirmed a minute later; a projection writes down each of the events.
//!
//! ```text
//! account-1: deposit ──▶ deposited ──▶ book-1: note ──▶ noted ── a minute ──▶ account-1: confirm ──▶ confirmed
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sourced::backend::{BackendError, Delivery, SyncAction};
use sourced::prelude::*;
use sourced::reactor::{Batch, Handled, Needs, Reactor, Register};
use sourced::{GroupId, MessageId, StoredMessage, TypeName, WorkerOptions};
use sourced_testing::simulate;
use sourced_testing::simulation::{Simulation, World};

const ACCOUNTS: u64 = 3;

#[derive(Debug, Default)]
pub(crate) struct Account {
    n_deposits: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is not welcome")]
pub(crate) struct Unwelcome(u64);

#[actor]
impl Account {
    #[command]
    pub(crate) fn deposit(&self, amount: u64) -> Result<Deposited, Unwelcome> {
        if amount == 13 {
            return Err(Unwelcome(amount));
        }
        let nth = self.n_deposits + 1;
        Ok(Deposited { amount, nth })
    }

    /// `nth` is what the state of the decision said; it has to be what a reader counts.
    #[event]
    pub(crate) fn deposited(&mut self, _amount: u64, nth: u64) {
        self.n_deposits = nth;
    }

    #[reaction]
    fn note(&self, event: &Message<Deposited>) -> Outgoing<Note> {
        let account = event.stream_id.to_string();
        let amount = event.payload.amount;
        Note { account, amount }.to(format!("book-{}", amount % 2))
    }

    #[command]
    pub(crate) fn confirm(&self, amount: u64) -> Confirmed {
        Confirmed { amount }
    }

    #[event]
    pub(crate) fn confirmed(&mut self, _amount: u64) {}
}

#[derive(Debug, Default)]
pub(crate) struct Book;

#[actor]
impl Book {
    #[command]
    pub(crate) fn note(&self, account: String, amount: u64) -> Noted {
        Noted { account, amount }
    }

    #[event]
    pub(crate) fn noted(&mut self, _account: String, _amount: u64) {}

    #[reaction]
    fn have_confirmed(&self, noted: &Noted) -> Outgoing<Confirm> {
        let confirm = Confirm {
            amount: noted.amount,
        };
        confirm.to(&noted.account).after(Duration::from_mins(1))
    }
}

/// Writes down the seqs of the events of a stream in the order in which it is given them, but for replays. Nothing prevents doubles.
#[derive(Debug)]
struct Recorder {
    group: GroupId,
    needs: Needs,
}

impl Register for Recorder {
    fn reactor() -> Arc<dyn Reactor> {
        Arc::new(Self {
            group: GroupId::new("recorder").unwrap(),
            needs: Needs::default(),
        })
    }
}

#[async_trait]
impl Reactor for Recorder {
    fn group(&self) -> &GroupId {
        &self.group
    }

    fn handled_types(&self) -> Vec<TypeName> {
        vec![
            TypeName::of::<Deposited>(),
            TypeName::of::<Noted>(),
            TypeName::of::<Confirmed>(),
        ]
    }

    fn decided_types(&self) -> Vec<TypeName> {
        Vec::new()
    }

    fn needs(&self) -> &Needs {
        &self.needs
    }

    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, BackendError> {
        let messages = batch.deliveries.iter().map(|delivery| &delivery.message);
        let is_new = |delivery: &&Delivery| !delivery.replaying;
        let new = batch.deliveries.iter().filter(is_new);
        let record = Record {
            stream: batch.stream.to_string(),
            seqs: new.map(|delivery| delivery.message.seq.get()).collect(),
        };
        let mut handled = Handled::default();
        handled.syncs.push(Arc::new(record));
        handled.upto = messages.map(|message| message.position).max();
        Ok(handled)
    }
}

#[derive(Debug)]
struct Record {
    stream: String,
    seqs: Vec<u64>,
}

#[async_trait]
impl SyncAction for Record {
    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), Failure> {
        let seen: Option<Vec<u64>> = tx.get("effects", &self.stream).await?;
        let mut seen = seen.unwrap_or_default();
        seen.extend(&self.seqs);
        tx.put("effects", &self.stream, &seen).await
    }
}

pub(crate) fn app() -> sourced::AppBuilder {
    App::builder()
        .register::<Account>()
        .register::<Book>()
        .register::<Recorder>()
        .workers(WorkerOptions::default().lease(Duration::from_secs(10)))
}

pub(crate) fn simulated() -> Simulation {
    simulate(|_| app())
        .workload(async |client| {
            let account = format!("account-{}", client.dice().below(ACCOUNTS));
            let amount = client.dice().between(1..15);
            if client.dice().percent(30) {
                // What became of it is not known when it fails.
                _ = client.actor::<Account>(account).deposit(amount).await;
            } else {
                let receipt = client.dispatch(|| Deposit { amount }.to(&account)).await?;
                client.outside::<Acknowledged>().add(receipt.id);
            }
            Ok(())
        })
        .always("dense-seq", seqs_are_dense)
        .always("fresh-state", every_decision_knew_the_one_before)
        .finally("acked-is-durable", what_was_acknowledged_is_there)
        .finally("decided-once", every_message_led_to_one)
        .finally("in-order-per-stream", commands_are_decided_in_order)
        .finally("one-transaction", every_event_was_seen_once_and_in_order)
        .finally("quarantine", |world| assert_eq!(world.parked(), []))
}

/// What clients were told to be stored.
#[derive(Debug, Default)]
struct Acknowledged(Mutex<Vec<MessageId>>);

impl Acknowledged {
    fn add(&self, id: MessageId) {
        self.0.lock().unwrap().push(id);
    }
}

fn by_stream(world: &World) -> BTreeMap<&str, Vec<&StoredMessage>> {
    let mut streams: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for message in world.log() {
        let stream = streams.entry(message.stream_id.as_str()).or_default();
        stream.push(message);
    }
    streams
}

fn seqs_are_dense(world: &World) {
    for (stream, messages) in by_stream(world) {
        let seqs = messages.iter().map(|message| message.seq.get());
        assert!(seqs.eq(1..=messages.len() as u64), "{stream}");
    }
}

fn every_decision_knew_the_one_before(world: &World) {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for deposited in world.messages::<Deposited>() {
        let count = counts.entry(deposited.stream_id).or_default();
        *count += 1;
        assert_eq!(deposited.payload.nth, *count, "#{}", deposited.seq);
    }
}

fn what_was_acknowledged_is_there(world: &World) {
    for id in world.outside::<Acknowledged>().0.lock().unwrap().iter() {
        let n_stored = world.log().iter().filter(|message| message.id == *id);
        assert_eq!(n_stored.count(), 1, "{id}");
    }
}

fn every_message_led_to_one(world: &World) {
    let chain = [
        ("account.deposit", "account.deposited"),
        ("account.deposited", "book.note"),
        ("book.note", "book.noted"),
        ("book.noted", "account.confirm"),
        ("account.confirm", "account.confirmed"),
    ];
    for message in world.log() {
        let name = message.type_name.as_str();
        let Some((_, next)) = chain.iter().find(|(from, _)| *from == name) else {
            continue;
        };
        let is_refused = message.payload.as_str().contains(":13");
        let led_to = world
            .log()
            .iter()
            .filter(|later| later.causation_id == message.id && later.type_name.as_str() == *next);
        let expected = usize::from(!is_refused);
        let place = format!("{} #{}", message.stream_id, message.seq);
        assert_eq!(led_to.count(), expected, "of {next} by {place}");
    }
}

/// Those of workers: a durable method may decide before those that wait.
fn commands_are_decided_in_order(world: &World) {
    for (stream, messages) in by_stream(world) {
        let commands = messages.iter().filter(|m| m.decided_by.is_none());
        let by_id: BTreeMap<_, _> = commands.map(|m| (m.id, m.seq)).collect();
        let causes = messages.iter().filter_map(|m| by_id.get(&m.causation_id));
        let causes: Vec<_> = causes
            .filter(|seq| by_id.values().any(|s| s == *seq))
            .collect();
        let results = messages
            .iter()
            .filter(|m| m.causation_id != m.id && by_id.contains_key(&m.causation_id));
        let mut decided = results.map(|m| by_id[&m.causation_id]).collect::<Vec<_>>();
        let order = decided.clone();
        decided.sort_unstable();
        assert_eq!(order, decided, "{stream}: {causes:?}");
    }
}

fn every_event_was_seen_once_and_in_order(world: &World) {
    for (stream, messages) in by_stream(world) {
        let events = messages
            .iter()
            .filter(|message| message.kind == sourced::Kind::Event);
        let seqs: Vec<u64> = events.map(|message| message.seq.get()).collect();
        let seen: Vec<u64> = world.document("effects", stream).unwrap_or_default();
        assert_eq!(seen, seqs, "{stream}");
    }
}
